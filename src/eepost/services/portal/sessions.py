# SPDX-License-Identifier: Apache-2.0
"""Members who are signed in."""

from dataclasses import dataclass

from eepost.accounts.model import Account
from eepost.pages import sessions


@dataclass(slots=True, repr=False)
class Session(sessions.Session):
    """One browser of a member."""

    account: Account
    epoch: int  # of the accounts, when the login was last known to be in force


class Sessions(sessions.Sessions[Session]):
    """All sessions of members."""

    def begin(self, number: bytes, account: Account, epoch: int) -> Session:
        """Sign `account` in under `number`, VISIT_OCTETS random octets never used before."""
        return self.enter(number, Session(account.number, account, epoch))

    def end_all_of(self, account: Account) -> int:
        """Sign every browser of the account out and return how many there were."""
        return self.end_all_of_owner(account.number)
