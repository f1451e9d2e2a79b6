# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from eepost.accounts.ports import AccountStore
from eepost.maildrop.ports import MaildropStore, StoreUnavailable
from tests.accounts.fakes import MemoryAccounts
from tests.contracts.maildrops import LIMIT_OCTETS, MaildropStoreContract
from tests.maildrop.fakes import MemoryMaildrops


class TestMemoryMaildrops(MaildropStoreContract):
    @asynccontextmanager
    async def stores(self) -> AsyncIterator[tuple[AccountStore, MaildropStore]]:
        accounts = MemoryAccounts()
        yield accounts, MemoryMaildrops(accounts, LIMIT_OCTETS)


def test_the_fake_can_be_unavailable() -> None:
    maildrops = MemoryMaildrops(MemoryAccounts())
    maildrops.is_unavailable = True
    with pytest.raises(StoreUnavailable):
        asyncio.run(maildrops.usage(1))
