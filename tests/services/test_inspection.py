# SPDX-License-Identifier: Apache-2.0
"""What operators do to the queue."""

from dataclasses import replace

import pytest

from eepost.queue.item import State
from eepost.services.mta.inspection import Done, Inspection, Rule, Verb, name_of
from tests.queue.samples import NOON_MINUTE
from tests.services.relaying import DEFERRED, Office, everybody, to


def inspection(office: Office) -> Inspection:
    return Inspection(office.queue, office.sealer, lambda: office.now)


async def names(office: Office, rule: Rule) -> set[str]:
    """Return the first recipients of the items that `rule` means."""
    found = inspection(office).find(rule)
    return {each.item.forwards[0].address.local_part async for each in found if each.item}


async def test_items_are_found_by_every_rule() -> None:
    office = Office()
    await office.accept(to("bob"), name="zoe")
    office.pass_time(7_200)
    dave = await office.accept(to("dave"), to("Eve"), is_held=True)
    await office.accept(to("frank", state=State.DELIVERED), to("gina"), attempt=1)
    assert await names(office, Rule()) == {"bob", "dave", "frank"}
    assert await names(office, Rule(account="zoe")) == {"bob"}
    assert await names(office, Rule(recipient="eve@example.org")) == {"dave"}
    assert await names(office, Rule(recipient="frank@example.org")) == set(), "he has it"
    assert await names(office, Rule(recipient="@example.org")) == {"bob", "dave", "frank"}
    assert await names(office, Rule(recipient="@xample.org")) == set()
    assert await names(office, Rule(older_than_seconds=3_600)) == {"bob"}
    assert await names(office, Rule(number=name_of(dave.number)[:6])) == {"dave"}
    assert await names(office, Rule(is_held=True)) == {"dave"}
    assert await names(office, Rule(has_not_left=True)) == {"bob", "dave"}
    assert await names(office, Rule(account="zoe", is_held=True)) == set()


async def test_many_items_are_gone_through_page_by_page() -> None:
    office = Office()
    for _ in range(450):
        await office.accept()
    assert await inspection(office).change(Rule(), Verb.HOLD) == Done(450)
    assert await inspection(office).change(Rule(account="zoe"), Verb.DROP) == Done()
    assert await inspection(office).change(Rule(is_held=True), Verb.DROP) == Done(450)
    assert office.queue.shelf.items == {}


async def test_held_it_waits_until_it_is_released() -> None:
    office = Office()
    await office.accept()
    await inspection(office).change(Rule(), Verb.HOLD)
    office.pass_time(9 * 86_400)
    await office.turn()
    assert office.gateways.orders == []
    await inspection(office).change(Rule(), Verb.RELEASE)
    await office.turn()
    assert office.left() is None


async def test_retry_lets_it_leave_now() -> None:
    office = Office()
    await office.accept(departs=NOON_MINUTE + 60, due=NOON_MINUTE + 60)
    await inspection(office).change(Rule(), Verb.RETRY)
    await office.turn()
    ((_, _, content),) = office.gateways.orders
    assert b"Date: Mon, 23 Nov 2026 12:00:00 +0000" in content


async def test_cancelled_its_sender_is_told_and_nobody_gets_it() -> None:
    office = Office()
    await office.accept(departs=NOON_MINUTE + 60, due=NOON_MINUTE + 60)
    await inspection(office).change(Rule(), Verb.CANCEL)
    await office.turn()
    assert office.left() is None
    assert office.gateways.orders == []
    (report,) = await office.mail("alice")
    assert b"bob@example.org\r\nAction: failed\r\nStatus: 5.7.0\r\n" in report


async def test_dropped_nobody_is_told() -> None:
    office = Office()
    await office.accept()
    assert await inspection(office).change(Rule(), Verb.DROP) == Done(1)
    await office.turn()
    assert await office.mail("alice") == []


async def test_what_is_leaving_is_left_alone() -> None:
    office = Office()
    await office.accept()
    await office.queue.claim(NOON_MINUTE, NOON_MINUTE + 9_999, NOON_MINUTE + 30, 1)
    await office.accept()
    for verb in (Verb.HOLD, Verb.CANCEL, Verb.DROP):
        done = await inspection(office).change(Rule(), verb)
        assert done.leaving == 1
    assert [each.is_leaving async for each in inspection(office).find(Rule())] == [True]


async def test_a_claim_of_a_crash_that_ran_out_is_no_leaving() -> None:
    office = Office()
    await office.accept()
    await office.queue.claim(NOON_MINUTE, NOON_MINUTE + 9_999, NOON_MINUTE + 30, 1)
    office.pass_time(1_860)
    assert [each.is_leaving async for each in inspection(office).find(Rule())] == [False]


async def test_a_damaged_item_is_found_and_can_be_dropped_only() -> None:
    office = Office()
    item = await office.accept()
    items = office.queue.shelf.items
    items[item.number] = replace(items[item.number], record=b"\x01" + bytes(80))
    look = inspection(office)
    assert [each.item async for each in look.find(Rule())] == [None]
    assert [each async for each in look.find(Rule(account="alice"))] == []
    mine = Rule(number=name_of(item.number))
    assert await look.change(mine, Verb.RETRY) == Done()
    assert await look.change(mine, Verb.DROP) == Done(1)


@pytest.mark.parametrize("verb", [Verb.HOLD, Verb.RETRY, Verb.CANCEL])
async def test_what_was_deferred_can_be_acted_on_too(verb: Verb) -> None:
    office = Office()
    office.gateways.script = everybody(DEFERRED)
    await office.accept()
    await office.turn()
    assert await inspection(office).change(Rule(), verb) == Done(1)
