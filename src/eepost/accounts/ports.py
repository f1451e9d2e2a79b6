# SPDX-License-Identifier: Apache-2.0
"""What accounts need of a store. All calls block; services make them through `Compute`."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeVar

from eepost.accounts.invitations import Invitation
from eepost.accounts.model import Account

T = TypeVar("T")


class Compute(Protocol):
    """Runs blocking work on a bounded number of threads."""

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        """Return what `work` returns, or raise what it raises."""


class NameTaken(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The name belongs to an account or once did; a deleted name is never given again."""


class InvitationUsed(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """Somebody made an account by this invitation before."""


class NoSuchAccount(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """No account has this name."""


class AccountChanged(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """Somebody else changed the account meanwhile; nothing was done, and trying again is safe."""


class AccountStore(Protocol):
    """Keeps accounts, tombstones and roles; durable when a call returns.

    Raises `eepost.maildrop.ports.StoreUnavailable` when the store cannot do its work.
    """

    def add(self, account: Account, invitation: Invitation | None = None) -> None:
        """Keep a new account and use up its invitation. Raises NameTaken, InvitationUsed."""

    def find(self, name: str) -> Account | None:
        """Return the account with this name (already in the normal form), or None."""

    def replace(self, account: Account, instead_of: Account) -> None:
        """Keep `account` in place of `instead_of`, which has the same number and name.

        Raises NoSuchAccount, and AccountChanged where what is kept is not `instead_of` any more:
        two changes at once could otherwise drop a key pair that mail was sealed to already. Ends
        what any process remembers of its logins.
        """

    def delete(self, name: str) -> None:
        """Destroy keys and mail, leave a keyed tombstone. Raises NoSuchAccount."""

    def accounts(self) -> Iterable[Account]:
        """Return every account, in no particular order."""

    def certificate(self, number: int) -> bytes | None:
        """Return the OpenPGP certificate of the account with this number, if it has one."""

    def keep_certificate(self, number: int, octets: bytes | None) -> None:
        """Keep a certificate instead of the one before; None removes it. Raises NoSuchAccount."""

    def roles(self) -> dict[str, str]:
        """Return role -> account name, for example {"postmaster": "alice"}."""

    def assign_role(self, role: str, name: str) -> None:
        """Let mail to `role` go to the account. Raises NoSuchAccount."""

    def epoch(self) -> int:
        """Return a number that changes with any account or role; cheap enough to ask often."""
