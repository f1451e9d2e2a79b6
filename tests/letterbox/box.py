# SPDX-License-Identifier: Apache-2.0
"""`eepost letterbox serve` in a process of its own, before real services."""

from dataclasses import dataclass
from typing import Any

from eepost.app.letterbox_config import FILE_NAME, add_identity
from tests.office import DOMAIN, OFFICIAL
from tests.role import Role


@dataclass
class Letterbox(Role):
    """A letterbox; `add` an identity for each service, then `start`."""

    def add(
        self, smtp_port: int, pop3_port: int, name: str = "me", **given: dict[str, Any]
    ) -> "Letterbox":
        """Add an identity before a service's ports; `given` are sections of its settings."""
        sections: dict[str, dict[str, Any]] = {
            "account": {"domains": (DOMAIN, OFFICIAL)},
            "service": {
                "smtp": f"port 127.0.0.1:{smtp_port}",
                "pop3": f"port 127.0.0.1:{pop3_port}",
                "silence_seconds": 10.0,
            },
            "listen": {"smtp": "127.0.0.1:0", "pop3": "127.0.0.1:0"},
        }
        for section, values in given.items():
            sections.setdefault(section, {}).update(values)
        add_identity(self.directory, name, sections, {"pages": {"listen": "127.0.0.1:0"}})
        return self

    def change_config(self, old: str, new: str) -> None:
        """Replace a line of the shared configuration that has to be there."""
        file = self.directory / FILE_NAME
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def arguments(self) -> list[str]:
        """Return the command that serves."""
        return ["letterbox", "serve", "--data", str(self.directory)]

    @property
    def pages_port(self) -> int:
        """Where its web pages are."""
        return self.ports["pages"]

    @property
    def smtp_port(self) -> int:
        """Where the first identity's programs send."""
        return self.ports["me_smtp"]

    @property
    def pop3_port(self) -> int:
        """Where the first identity's programs fetch."""
        return self.ports["me_pop3"]
