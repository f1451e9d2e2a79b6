# SPDX-License-Identifier: Apache-2.0
"""Stamps that come without a message, and whom an account wrote to."""

from eepost.accounts.correspondents import Correspondents
from eepost.accounts.model import Account
from eepost.mail.address import Address
from eepost.queue.allowance import Limits
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
