# SPDX-License-Identifier: Apache-2.0
import pytest

from eepost.accounts.ports import AccountStore
from eepost.maildrop.ports import StoreUnavailable
from tests.accounts.fakes import MemoryAccounts
from tests.contracts.accounts import AccountStoreContract


class TestMemoryAccounts(AccountStoreContract):
    @pytest.fixture
    def store(self) -> AccountStore:
        return MemoryAccounts()


def test_the_fake_can_be_unavailable() -> None:
    accounts = MemoryAccounts()
    accounts.is_unavailable = True
    for question in (accounts.epoch, accounts.roles, accounts.accounts):
        with pytest.raises(StoreUnavailable):
            question()
