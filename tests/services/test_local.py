# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from eepost.accounts.model import Account, PasswordCost
from eepost.accounts.registry import Registry
from eepost.maildrop.model import SealedMessage, SentId
from eepost.maildrop.ports import Delivered, Outcome, StoreUnavailable
from eepost.maildrop.sealing import Sealer
from eepost.services.mta.local import Copy, LocalDelivery
from tests.accounts.fakes import MemoryAccounts
from tests.maildrop.fakes import MemoryMaildrops
from tests.seal.chance import chance

T = TypeVar("T")
LIMIT_OCTETS = 100_000


class Shelf(MemoryMaildrops):
    """Maildrops that may take the mail and no warning."""

    calls = 0
    fails_after = 1_000

    async def deliver(
        self, messages: Sequence[SealedMessage], sent: SentId | None = None
    ) -> Outcome:
        self.calls += 1
        if self.calls > self.fails_after:
            raise StoreUnavailable
        return await super().deliver(messages, sent)


class Office:
    def __init__(self) -> None:
        accounts = MemoryAccounts()
        self.alice = (
            Registry(accounts, chance(), PasswordCost(8, 1, 1))
            .create("alice", "right password")
            .account
        )
        self.shelf = Shelf(accounts, LIMIT_OCTETS)
        self.warned: list[int] = []
        self.arrived: list[str] = []
        self.delivery = LocalDelivery(
            maildrops=self.shelf,
            sealer=Sealer(chance()),
            now_nanoseconds=lambda: 1_000_000_000,
            notice=self._notice,
            offload=self._offload,
            arrived=lambda account: self.arrived.append(account.name),
        )

    def _notice(self, _account: Account, percent: int) -> list[bytes]:
        self.warned.append(percent)
        return [b"Subject: filling\r\n\r\n"]

    async def _offload(self, work: Callable[[], T]) -> T:
        return work()

    async def deliver(self, *sizes: int) -> Outcome:
        return await self.delivery.deliver([Copy(self.alice, [bytes(size)]) for size in sizes])


async def test_mail_that_is_durable_stays_accepted_where_its_warning_fails() -> None:
    office = Office()
    office.shelf.fails_after = 1
    assert isinstance(await office.deliver(90_000), Delivered)
    assert office.warned == [80]


async def test_copy_and_report_for_one_account_warn_once_and_of_what_both_filled() -> None:
    office = Office()
    assert isinstance(await office.deliver(78_000, 4_000), Delivered)
    assert office.warned == [80]


async def test_each_copy_is_told_of_once_it_is_durable_and_warnings_are_not() -> None:
    office = Office()
    assert isinstance(await office.deliver(40_000, 45_000), Delivered)
    assert (office.arrived, office.warned) == (["alice", "alice"], [80])
    assert not isinstance(await office.deliver(90_000), Delivered)
    office.shelf.fails_after = 0
    with pytest.raises(StoreUnavailable):
        await office.deliver(100)
    assert office.arrived == ["alice", "alice"]
