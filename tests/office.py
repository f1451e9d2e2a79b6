# SPDX-License-Identifier: Apache-2.0
"""A real post office in a process of its own, for tests that need the whole path."""

import poplib
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eepost.accounts.model import PasswordCost, State
from eepost.accounts.registry import Created, Registry
from eepost.app.office import create_office, open_office
from eepost.net.clock import random_octets
from tests.role import Role

DOMAIN = "mail.i2p"
OFFICIAL = "example.org"
PASSWORD = "correct horse 1"
# Argon2 as cheap as it goes: these tests are about mail. The cost stands in each record.
CHEAP = PasswordCost(memory_kib=8, passes=1, lanes=1)


@dataclass
class PostOffice(Role):
    """`eepost serve` on ports of its own."""

    @property
    def smtp_port(self) -> int:
        """Where it takes mail."""
        return self.ports["smtp"]

    @property
    def pop3_port(self) -> int:
        """Where it gives mail."""
        return self.ports["pop3"]

    @property
    def portal_port(self) -> int:
        """Where its web pages are."""
        return self.ports["portal"]

    def create(self) -> "PostOffice":
        """Make it on disk; ports are chosen by the kernel at start."""
        given: dict[str, dict[str, Any]] = {
            "mail": {"domain": DOMAIN, "official_domains": (OFFICIAL,)},
            "smtp": {"listen": "127.0.0.1:0"},
            "pop3": {"listen": "127.0.0.1:0"},
            "portal": {"listen": "127.0.0.1:0", "gates": (), "accounts_per_hour": 1_000},
            "gateways": {"listen": "127.0.0.1:0"},
        }
        for section, values in self.settings.items():
            given.setdefault(section, {}).update(values)
        create_office(self.directory, given)
        return self

    def add(self, *names: str, password: str = PASSWORD) -> list[Created]:
        """Add accounts, as another process would, while it runs or not."""
        with self.registry() as registry:
            return [registry.create(name, password) for name in names]

    @contextmanager
    def registry(self) -> Iterator[Registry]:
        """Open its accounts, as another process would, while it runs or not."""
        office = open_office(self.directory)
        store = office.open_store(office.start_key())
        try:
            yield Registry(store.accounts, random_octets, CHEAP)
        finally:
            store.close()

    def assign(self, role: str, name: str) -> None:
        """Let an account answer for a role."""
        with self.registry() as registry:
            registry.assign_role(role, name)

    def disable(self, name: str) -> None:
        """Disable an account."""
        with self.registry() as registry:
            registry.set_state(name, State.DISABLED)

    def change_config(self, old: str, new: str) -> None:
        """Replace a line of the configuration that has to be there."""
        file = self.directory / "eepost.toml"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def arguments(self) -> list[str]:
        """Return the command that serves."""
        return ["serve", "--data", str(self.directory)]

    def submit(self, sender: str, recipients: str | list[str], message: bytes) -> None:
        """Send by SMTP with the standard library's client."""
        with smtplib.SMTP("127.0.0.1", self.smtp_port, local_hostname="x", timeout=60) as smtp:
            smtp.login(sender.partition("@")[0], PASSWORD)
            smtp.sendmail(sender, recipients, message)

    def fetch(self, name: str, password: str = PASSWORD) -> list[bytes]:
        """Return every message in the maildrop, in CRLF lines."""
        pop = poplib.POP3("127.0.0.1", self.pop3_port, timeout=60)
        try:
            pop.user(name)
            pop.pass_(password)
            count = len(pop.list()[1])
            return [b"\r\n".join([*pop.retr(n + 1)[1], b""]) for n in range(count)]
        finally:
            pop.quit()

    def remove_all(self, name: str) -> None:
        """Delete every message over POP3."""
        pop = poplib.POP3("127.0.0.1", self.pop3_port, timeout=60)
        pop.user(name)
        pop.pass_(PASSWORD)
        for number in range(len(pop.list()[1])):
            pop.dele(number + 1)
        pop.quit()


def address(name: str) -> str:
    """Return the internal address of an account."""
    return f"{name}@{DOMAIN}"


def mail(sender: str, recipient: str, body: str = "Hello\r\n", extra: str = "") -> bytes:
    """Return a small message in CRLF lines."""
    return (
        f"From: {address(sender)}\r\nTo: {address(recipient)}\r\nSubject: test\r\n{extra}\r\n{body}"
    ).encode()
