# SPDX-License-Identifier: Apache-2.0
"""The address book is read seldom, however often somebody changes an account."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from eepost.accounts.address_book import REST, AddressBook, web_key_hash
from eepost.accounts.model import Account
from eepost.accounts.preferences import Preferences
from tests.accounts.fakes import MemoryAccounts
from tests.contracts.samples import account

T = TypeVar("T")


class Accounts(MemoryAccounts):
    """Takes a second to be read, and counts that."""

    now = 0.0
    readings = 0

    def accounts(self) -> Iterable[Account]:
        self.now += 1
        self.readings += 1
        return super().accounts()

    def show(self, name: str, is_listed: bool) -> None:
        before = self.find(name)
        assert before is not None
        self.replace(replace(before, preferences=Preferences(is_listed=is_listed)), before)


async def compute(work: Callable[[], T]) -> T:
    await asyncio.sleep(0)
    return work()


def office() -> tuple[Accounts, AddressBook]:
    store = Accounts()
    store.add(account("alice"))
    store.show("alice", is_listed=True)
    return store, AddressBook(store, compute, lambda: store.now)


async def test_all_who_ask_at_once_share_one_reading() -> None:
    store, book = office()
    found = await asyncio.gather(*(book.search("ali") for _ in range(20)))
    assert [each.name for each in found[-1]] == ["alice"]
    assert store.readings == 1


async def test_changes_make_no_reading_until_the_book_has_rested() -> None:
    store, book = office()
    await book.search("")
    store.show("alice", is_listed=False)
    for _ in range(9):
        assert len(await book.search("")) == 1
    assert store.readings == 1
    store.now += REST
    assert await book.search("") == []
    assert store.readings == 2


async def test_who_wants_to_be_shown_no_more_is_not_shown_while_the_book_rests() -> None:
    store, book = office()
    assert await book.by_web_key(web_key_hash("alice")) is not None
    store.show("alice", is_listed=False)
    assert await book.by_web_key(web_key_hash("alice")) is None
    assert await book.find("alice") is None
    assert await book.find("no such name") is None
