# SPDX-License-Identifier: Apache-2.0
"""What the letterbox needs of whoever keeps its letters, and how that can fail."""

from collections.abc import Sequence
from typing import Protocol

from eepost.letters.changes import Change
from eepost.letters.shelf import Shelf


class DiskFull(Exception):  # noqa: N818 - an outcome for the user, not a fault
    """There is no room on the disk: nothing was kept, and nothing that was kept is lost."""


class NoSuchMessage(Exception):  # noqa: N818 - an outcome for the user, not a fault
    """No message has this number (any more), or its file is damaged."""


class WrongPassword(Exception):  # noqa: N818 - an outcome for the user, not a fault
    """The password does not open this cabinet."""


class LockDamaged(Exception):  # noqa: N818 - an outcome for the user, not a fault of ours
    """The file with the wrapped key can't be read: a backup of it may help, nothing else."""


class InUse(Exception):  # noqa: N818 - an outcome for the user, not a fault
    """Another letterbox has this cabinet open."""


class Cabinet(Protocol):
    """One account's letters, opened. All but `shelf` block, and are called by one thread.

    What a call changed is durable on return; the caller then lets `shelf` apply the same changes.
    """

    @property
    def shelf(self) -> Shelf:
        """What the log says, as it was read at the opening."""

    @property
    def password(self) -> str:
        """The service's password, as it was when the cabinet was opened."""

    def store(
        self, number: int, pieces: Sequence[bytes | memoryview], changes: Sequence[Change]
    ) -> None:
        """Keep the octets of message `number` and note changes, all or nothing. Raises DiskFull."""

    def read(self, number: int) -> bytes:
        """Return the octets of message `number`. Raises NoSuchMessage."""

    def remove(self, numbers: Sequence[int]) -> None:
        """Remove the octets of messages; those that are gone already are none."""

    def record(self, changes: Sequence[Change]) -> None:
        """Append to the log. Raises DiskFull: then none of the changes has happened."""

    def keep(self, name: str, value: bytes) -> None:
        """Keep a small sealed record, b"" for none. Raises DiskFull."""

    def kept(self, name: str) -> bytes | None:
        """Return what `keep` was given."""

    def check_password(self, password: str) -> None:
        """Return if this is the password. Raises WrongPassword, LockDamaged."""

    def change_password(self, new: str) -> None:
        """Lock it under another password from now on. Raises DiskFull."""

    def close(self) -> None:
        """Let go of the files; nothing may be called after it."""


class Cabinets(Protocol):
    """All cabinets of this machine's user, by identity and login. All calls block."""

    def has(self, identity: str, login: str) -> bool:
        """Say whether the account has a cabinet."""

    def create(self, identity: str, login: str, password: str) -> Cabinet:
        """Make one. Raises DiskFull, InUse, OSError."""

    def open(self, identity: str, login: str, password: str) -> Cabinet:
        """Open the one that is there. Raises WrongPassword, LockDamaged, InUse, OSError."""
