# SPDX-License-Identifier: Apache-2.0
"""The fake keeps the same promises as the real stores."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eepost.accounts.ports import AccountStore
from eepost.maildrop.ports import MaildropStore
from eepost.services.mta.ports import OutgoingStore
from tests.accounts.fakes import MemoryAccounts
from tests.contracts.queues import LIMIT_OCTETS, OutgoingStoreContract
from tests.maildrop.fakes import MemoryMaildrops
from tests.queue.fakes import MemoryQueue


class TestMemoryQueue(OutgoingStoreContract):
    @asynccontextmanager
    async def stores(self) -> AsyncIterator[tuple[AccountStore, MaildropStore, OutgoingStore]]:
        accounts = MemoryAccounts()
        maildrops = MemoryMaildrops(accounts, LIMIT_OCTETS)
        yield accounts, maildrops, MemoryQueue(maildrops)
