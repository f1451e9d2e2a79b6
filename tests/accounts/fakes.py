# SPDX-License-Identifier: Apache-2.0
"""An AccountStore in memory; it passes the same contract as the real ones."""

from collections.abc import Callable, Iterable

from eepost.accounts.invitations import Invitation
from eepost.accounts.model import Account
from eepost.accounts.ports import AccountChanged, InvitationUsed, NameTaken, NoSuchAccount
from eepost.maildrop.ports import StoreUnavailable


class MemoryAccounts:
    """Accounts by name. Set `is_unavailable` to let every question fail; `asked` counts finds."""

    def __init__(self) -> None:
        self.is_unavailable = False
        self.asked = 0
        self.when_deleted: list[Callable[[Account], None]] = []
        self._accounts: dict[str, Account] = {}
        self._tombstones: set[str] = set()
        self._roles: dict[str, str] = {}
        self._used: set[bytes] = set()
        self._certificates: dict[int, bytes] = {}
        self._epoch = 1

    def add(self, account: Account, invitation: Invitation | None = None) -> None:
        self._check()
        if account.name in self._accounts or account.name in self._tombstones:
            raise NameTaken
        if invitation is not None:
            if invitation.tag in self._used:
                raise InvitationUsed
            self._used.add(invitation.tag)
        self._keep(account)

    def find(self, name: str) -> Account | None:
        self._check()
        self.asked += 1
        return self._accounts.get(name)

    def replace(self, account: Account, instead_of: Account) -> None:
        if self._known(account.name) != instead_of:
            raise AccountChanged
        self._keep(account)

    def delete(self, name: str) -> None:
        account = self._known(name)
        del self._accounts[name]
        self._certificates.pop(account.number, None)
        self._tombstones.add(name)
        self._roles = {role: holder for role, holder in self._roles.items() if holder != name}
        self._epoch += 1
        for tell in self.when_deleted:
            tell(account)

    def accounts(self) -> Iterable[Account]:
        self._check()
        return list(self._accounts.values())

    def certificate(self, number: int) -> bytes | None:
        self._check()
        return self._certificates.get(number)

    def keep_certificate(self, number: int, octets: bytes | None) -> None:
        self._check()
        if self.by_number(number) is None:
            raise NoSuchAccount
        self._certificates.pop(number, None)
        if octets is not None:
            self._certificates[number] = octets
        self._epoch += 1

    def roles(self) -> dict[str, str]:
        self._check()
        return dict(self._roles)

    def assign_role(self, role: str, name: str) -> None:
        self._known(name)
        self._roles[role] = name
        self._epoch += 1

    def epoch(self) -> int:
        self._check()
        return self._epoch

    def by_number(self, number: int) -> Account | None:
        """Return the account that maildrops know by its number."""
        found = [each for each in self._accounts.values() if each.number == number]
        return found[0] if found else None

    def _keep(self, account: Account) -> None:
        self._accounts[account.name] = account
        self._epoch += 1

    def _known(self, name: str) -> Account:
        self._check()
        if name not in self._accounts:
            raise NoSuchAccount
        return self._accounts[name]

    def _check(self) -> None:
        if self.is_unavailable:
            raise StoreUnavailable
