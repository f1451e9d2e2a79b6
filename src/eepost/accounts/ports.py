# SPDX-License-Identifier: Apache-2.0
"""What accounts need of a store. All calls block; services call them through `store.lane`."""

from collections.abc import Iterable
from typing import Protocol

from eepost.accounts.model import Account


class NameTaken(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The name belongs to an account or once did; a deleted name is never given again."""


class NoSuchAccount(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """No account has this name."""


class AccountStore(Protocol):
    """Keeps accounts, tombstones and roles; durable when a call returns.

    Raises `eepost.maildrop.ports.StoreUnavailable` when the store cannot do its work.
    """

    def add(self, account: Account) -> None:
        """Keep a new account. Raises NameTaken."""

    def find(self, name: str) -> Account | None:
        """Return the account with this name (already in the normal form), or None."""

    def replace(self, account: Account) -> None:
        """Keep `account` in place of the one with its number. Raises NoSuchAccount.

        Ends what any process remembers of its logins.
        """

    def delete(self, name: str) -> None:
        """Destroy keys and mail, leave a keyed tombstone. Raises NoSuchAccount."""

    def accounts(self) -> Iterable[Account]:
        """Return every account, in no particular order."""

    def roles(self) -> dict[str, str]:
        """Return role -> account name, for example {"postmaster": "alice"}."""

    def assign_role(self, role: str, name: str) -> None:
        """Let mail to `role` go to the account. Raises NoSuchAccount."""

    def epoch(self) -> int:
        """Return a number that changes with any account or role; cheap enough to ask often."""
