# SPDX-License-Identifier: Apache-2.0
"""Stamps that come without a message, and whom an account wrote to."""

import pytest

from eepost.accounts.correspondents import Correspondents
from eepost.accounts.model import Account
from eepost.mail.address import Address
from eepost.queue.allowance import Allowance, Limits
from eepost.queue.books import Entry
from eepost.services.mta.quota import HandedIn, Quota
from tests.contracts.samples import account
from tests.queue.samples import NOON
from tests.queue.test_hashcash import stamp
from tests.services.relaying import Office


def quota(office: Office, limits: Limits) -> Quota:
    def resources(owner: Account) -> set[str]:
        return {f"{owner.name}@mail.i2p"}

    return Quota(
        office.queue,
        limits,
        holder_tag=lambda owner: owner.number.to_bytes(32, "big"),
        stamp_key=b"s" * 32,
        resources=resources,
        now=lambda: office.now,
    )


def addresses(count: int) -> list[Address]:
    return [Address(f"person{number}", "example.com") for number in range(count)]


async def test_stamp_is_handed_in_once_and_lasts_for_a_day() -> None:
    office, alice = Office(), account("alice")
    counted = quota(office, Limits(recipients=2, stamps=((8, 5),)))
    good = stamp(8)
    assert await counted.lack(alice, addresses(8)) is not None
    assert await counted.hand_in(alice, good) is HandedIn.COUNTED
    assert await counted.hand_in(alice, good) is HandedIn.COUNTED_BEFORE
    assert await counted.hand_in(account("bob"), good) is HandedIn.WORTHLESS
    assert await counted.hand_in(alice, "no stamp") is HandedIn.WORTHLESS
    # Seven, and five more by a stamp that may come with the message.
    assert await counted.lack(alice, addresses(12)) is None
    assert await counted.lack(alice, addresses(13)) is not None
    office.pass_time(86_400)
    assert await counted.lack(alice, addresses(8)) is not None


async def test_nothing_is_charged_for_mail_that_stays_here() -> None:
    office, alice = Office(), account("alice")
    counted = quota(office, Limits())
    assert await counted.charge(alice, [], b"Subject: s\r\n\r\n") is None


async def test_whom_an_account_wrote_to_is_known_in_any_case_and_to_it_alone() -> None:
    office, alice, bob = Office(), account("alice"), account("bob")
    known = Correspondents(b"c" * 32, office.queue.is_correspondent)
    dave = Address("Dave", "example.com")
    await office.queue.accept([], None, Entry(written_to=[known.tag(alice, dave)], period=NOON))
    assert await known.has_written_to(alice, Address("dave", "example.com"))
    assert not await known.has_written_to(alice, Address("eve", "example.com"))
    assert not await known.has_written_to(bob, dave)
    assert "c" * 32 not in repr(known)


async def test_store_is_asked_only_where_there_may_be_no_room() -> None:
    office, alice = Office(), account("alice")
    counted = quota(office, Limits(recipients=5, messages=9, stamps=()))
    asked = 0
    allowance = office.queue.allowance

    async def ask(holder_tag: bytes) -> Allowance:
        nonlocal asked
        asked += 1
        return await allowance(holder_tag)

    office.queue.allowance = ask  # type: ignore[method-assign]
    for number in range(4):
        assert await counted.lack(alice, addresses(1)) is None
        charge = await counted.charge(alice, addresses(1), b"")
        assert charge is not None
        await office.queue.accept([], None, Entry(charge=charge))
        assert asked == 1, number
    # Always the same person: one recipient, which only the store knows.
    for _ in range(3):
        assert await counted.lack(alice, addresses(2)) is None
    assert asked == 2
    assert await counted.lack(alice, addresses(30)) is not None
    assert asked == 3


async def test_use_of_many_accounts_is_noted_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eepost.services.mta.quota.MAX_NOTED", 3)
    office = Office()
    counted = quota(office, Limits())
    for number in range(9):
        await counted.lack(account(f"user{number}"), addresses(1))
    assert len(counted._at_most) == 3
