# SPDX-License-Identifier: Apache-2.0
"""What a mail server of the Internet has put into its users' folders."""

import os
import time
from pathlib import Path

SECONDS = 20.0
MAIL_UID = 5000  # owns the folders; needs no entry in passwd


class Maildir:
    """One folder for everybody: each message says in `Delivered-To` whom it is for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._seen: set[str] = set()
        self._messages: dict[str, list[bytes]] = {}
        root.mkdir(parents=True, exist_ok=True)
        os.chown(root, MAIL_UID, MAIL_UID)

    def everything(self) -> dict[str, list[bytes]]:
        """Return all that came, by recipient, in CRLF lines."""
        for file in sorted((self.root / "all" / "new").glob("*")):
            if file.name not in self._seen:
                self._seen.add(file.name)
                message = _crlf(file.read_bytes())
                self._messages.setdefault(_recipient(message), []).append(message)
        return self._messages

    def now(self, recipient: str) -> list[bytes]:
        """Return what `recipient` has."""
        return self.everything().get(recipient, [])

    def wait(self, recipient: str, count: int = 1) -> list[bytes]:
        """Return what `recipient` has, once it is `count` messages."""
        until = time.monotonic() + SECONDS
        while len(found := self.now(recipient)) < count:
            assert time.monotonic() < until, f"{len(found)} of {count} messages came"
            time.sleep(0.05)
        return found


def _recipient(message: bytes) -> str:
    line = next(line for line in message.split(b"\r\n") if line.startswith(b"Delivered-To: "))
    return line.removeprefix(b"Delivered-To: ").decode()


def _crlf(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
