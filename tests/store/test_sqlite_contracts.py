# SPDX-License-Identifier: Apache-2.0
"""The SQLite adapters keep what every store of accounts and maildrops promises."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from eepost.accounts.ports import AccountStore
from eepost.maildrop.ports import MaildropStore
from eepost.services.mta.ports import OutgoingStore
from tests.contracts.accounts import AccountStoreContract
from tests.contracts.maildrops import LIMIT_OCTETS, MaildropStoreContract
from tests.contracts.queues import OutgoingStoreContract
from tests.store.shelf import Shelf


class TestSqliteAccounts(AccountStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[AccountStore]:
        opened = Shelf(tmp_path / "store").create().open()
        yield opened.accounts
        opened.close()


class TestSqliteMaildrops(MaildropStoreContract):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.directory = tmp_path / "store"

    @asynccontextmanager
    async def stores(self) -> AsyncIterator[tuple[AccountStore, MaildropStore]]:
        shelf = Shelf(self.directory, limit_octets=LIMIT_OCTETS).create()
        async with shelf.running() as (store, maildrops):
            yield store.accounts, maildrops


class TestSqliteQueue(OutgoingStoreContract):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.directory = tmp_path / "store"

    @asynccontextmanager
    async def stores(self) -> AsyncIterator[tuple[AccountStore, MaildropStore, OutgoingStore]]:
        shelf = Shelf(self.directory, limit_octets=LIMIT_OCTETS).create()
        async with shelf.running() as (store, maildrops):
            yield store.accounts, maildrops, store.queue
