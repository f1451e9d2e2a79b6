# SPDX-License-Identifier: Apache-2.0
"""GnuPG with a home of its own, as a user has it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Keyring:
    """One person's GnuPG; no agent outlives `close`."""

    home: Path

    def __post_init__(self) -> None:
        self.home.mkdir(mode=0o700, parents=True)

    def run(self, *arguments: str, given: bytes = b"") -> bytes:
        """Run gpg; its output, or an error that shows what it said."""
        done = subprocess.run(
            ["gpg", "--homedir", str(self.home), "--batch", "--yes", "--quiet", *arguments],
            input=given,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def make(self, user_id: str, algorithm: str = "future-default", expires: str = "1y") -> None:
        """Make a key with one user id."""
        self.run("--passphrase", "", "--quick-gen-key", user_id, algorithm, "default", expires)

    def export(self, *user_ids: str) -> str:
        """Return public keys as text."""
        return self.run("--armor", "--export", *user_ids).decode("ascii")

    def close(self) -> None:
        """End what gpg started for this home."""
        subprocess.run(
            ["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=False, timeout=60
        )
