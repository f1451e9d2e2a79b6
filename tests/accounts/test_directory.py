# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from eepost.accounts.directory import Directory, NotCached
from eepost.accounts.model import Account, State
from eepost.mail.address import Address
from eepost.maildrop.ports import StoreUnavailable
from tests.accounts.fakes import MemoryAccounts
from tests.contracts.samples import account

T = TypeVar("T")


async def at_once(work: Callable[[], T]) -> T:
    return work()


class Office:
    def __init__(self, max_entries: int = 100) -> None:
        self.store = MemoryAccounts()
        self.alice, self.bob = account("alice"), account("bob")
        self.store.add(self.alice)
        self.store.add(self.bob)
        self.store.assign_role("postmaster", "alice")
        self.directory = Directory(
            self.store, at_once, "Mail.i2p", ["i2pmail.org", "OLD.example"], max_entries
        )

    def find(self, local_part: str, domain: str = "mail.i2p") -> Account | None:
        return asyncio.run(self.directory.find(Address(local_part, domain)))

    def cached(self, local_part: str, domain: str = "mail.i2p") -> Account | NotCached | None:
        return self.directory.cached(Address(local_part, domain))


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.mark.parametrize("domain", ["mail.i2p", "i2pmail.org", "old.example", "I2PMail.ORG"])
@pytest.mark.parametrize("local_part", ["alice", "Alice", "ALICE"])
def test_every_domain_and_case_is_the_same_account(
    office: Office, local_part: str, domain: str
) -> None:
    assert office.directory.is_local(Address(local_part, domain))
    assert office.find(local_part, domain) == office.alice


@pytest.mark.parametrize("domain", ["elsewhere.org", "x.mail.i2p", "i2p", "mail.i2p.evil"])
def test_other_domains_are_not_ours(office: Office, domain: str) -> None:
    assert not office.directory.is_local(Address("alice", domain))
    assert office.cached("alice", domain) is None
    assert office.find("alice", domain) is None
    assert office.store.asked == 0


@pytest.mark.parametrize("local_part", ["nobody1", "", "a b", "x" * 33, "älice", "alice+x", "a@b"])
def test_a_local_part_that_nobody_has_finds_nobody(office: Office, local_part: str) -> None:
    assert office.directory.is_local(Address(local_part, "mail.i2p"))
    assert office.find(local_part) is None


def test_a_local_part_that_can_be_no_name_costs_no_question(office: Office) -> None:
    assert office.cached("not a name") is None
    assert office.store.asked == 0


@pytest.mark.parametrize("local_part", ["postmaster", "Postmaster", "POSTMASTER"])
@pytest.mark.parametrize("domain", ["", "mail.i2p", "i2pmail.org"])
def test_postmaster_is_found_with_and_without_domain(
    office: Office, local_part: str, domain: str
) -> None:
    assert office.directory.is_local(Address(local_part, domain))
    assert office.find(local_part, domain) == office.alice


def test_nobody_but_postmaster_goes_without_domain(office: Office) -> None:
    assert not office.directory.is_local(Address("alice", ""))
    assert office.find("alice", "") is None


def test_a_role_without_account_finds_nobody(office: Office) -> None:
    assert office.find("abuse") is None
    office.store.assign_role("abuse", "bob")
    assert office.find("abuse") == office.bob


def test_what_was_found_is_cached_and_so_is_that_there_was_nobody(office: Office) -> None:
    assert office.cached("alice") == NotCached()
    assert office.cached("nobody1") == NotCached()
    office.find("alice")
    office.find("nobody1")
    asked = office.store.asked
    assert office.cached("ALICE", "i2pmail.org") == office.alice
    assert office.cached("nobody1") is None
    assert office.find("alice") == office.alice
    assert office.store.asked == asked


def test_any_change_of_an_account_or_role_empties_the_cache(office: Office) -> None:
    office.find("alice")
    disabled = replace(office.alice, state=State.DISABLED)
    office.store.replace(disabled, office.alice)
    assert office.cached("alice") == NotCached()
    assert office.find("alice") == disabled
    office.store.delete("alice")
    assert office.find("alice") is None
    assert office.find("postmaster") is None


def test_the_cache_is_bounded_and_loses_what_was_not_asked_for_longest() -> None:
    office = Office(max_entries=2)
    office.find("alice")
    office.find("bob")
    assert office.cached("alice") == office.alice
    office.find("nobody1")
    assert office.cached("alice") == office.alice
    assert office.cached("bob") == NotCached()


def test_what_was_read_before_a_change_is_not_cached_after_it(office: Office) -> None:
    async def scenario() -> None:
        async def slow(work: Callable[[], T]) -> T:
            found = work()
            # The account is deleted while the answer is on its way, and somebody asks meanwhile.
            office.store.delete("alice")
            assert directory.cached(Address("bob", "mail.i2p")) == NotCached()
            return found

        directory = Directory(office.store, slow, "mail.i2p")
        await directory.find(Address("alice", "mail.i2p"))
        assert directory.cached(Address("alice", "mail.i2p")) == NotCached()

    asyncio.run(scenario())


def test_a_store_that_fails_is_no_unknown_address(office: Office) -> None:
    office.store.is_unavailable = True
    with pytest.raises(StoreUnavailable):
        office.find("alice")
    office.store.is_unavailable = False
    assert office.find("alice") == office.alice
