# SPDX-License-Identifier: Apache-2.0
"""What becomes of mail that is due, with gateways that do what the test says."""

import asyncio
from dataclasses import replace

import pytest

from eepost.accounts.model import State
from eepost.mail.envelope import Notify, Return
from eepost.mail.message import MAX_DEPTH
from eepost.queue.release import BATCH_MINUTES, Departure
from eepost.queue.sealing import NEVER, StoredItem
from eepost.sanitise.choices import Choices, Dangerous
from eepost.sanitise.cleaner import Why
from eepost.services.mta.ports import GatewayDeclined, GatewayLost
from eepost.services.mta.relay import Bounds
from eepost.wire.transfer.messages import Fate, Relay
from tests.queue.samples import NOON, NOON_MINUTE
from tests.services.relaying import (
    DEFERRED,
    DELIVERED,
    FAILED,
    INTERNAL,
    MESSAGE,
    OFFICIAL,
    Answer,
    Office,
    everybody,
    to,
)

HEAD = MESSAGE.partition(b"Content-Type")[0]
_EDGE = b"--" + b"a" * 32
WITH_PROGRAM = (
    HEAD + b"Content-Type: multipart/mixed; boundary=" + _EDGE[2:] + b"\r\n\r\n" + _EDGE + b"\r\n"
    b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: 7bit\r\n"
    b"Content-Disposition: attachment; filename=setup.exe\r\n\r\nMZ\r\n" + _EDGE + b"--\r\n"
)


async def test_mail_leaves_by_a_gateway_and_is_gone() -> None:
    office = Office()
    await office.accept(to("bob"), to("dave"))
    await office.turn()
    assert office.gateways.arrived == {"bob@example.org": 1, "dave@example.org": 1}
    assert office.left() is None
    assert office.queue.shelf.segments == {}
    assert await office.mail("alice") == []
    assert office.desk.counts.relayed == 1


async def test_only_official_addresses_leave_and_the_date_of_leaving() -> None:
    office = Office()
    await office.accept(departs=NOON_MINUTE - 7)
    await office.turn()
    ((_, order, content),) = office.gateways.orders
    assert order.reverse_path == f"alice@{OFFICIAL}"
    assert INTERNAL.encode() not in content
    assert b"From: Alice <alice@post.example>\r\n" in content
    assert b"\r\nDate: Mon, 23 Nov 2026 11:53:00 +0000\r\n" in content
    assert content.endswith(b"\r\n\r\nHello\r\n")


async def test_the_date_is_the_same_in_every_attempt() -> None:
    office = Office()
    office.gateways.script = everybody(DEFERRED)
    await office.accept()
    await office.turn()
    await office.next_attempt()
    contents = {content for _, _, content in office.gateways.orders}
    assert len(contents) == 1
    assert len(office.gateways.orders) == 2


async def test_what_does_not_look_rebuilt_never_leaves_and_its_sender_hears() -> None:
    office = Office()
    await office.accept(content=MESSAGE.replace(b"Subject:", b"X-Laptop: here\r\nSubject:"))
    await office.turn()
    assert office.gateways.orders == []
    assert office.left() is None
    (report,) = await office.mail("alice")
    assert b"Action: failed\r\nStatus: 5.6.0\r\n" in report
    assert office.desk.counts.unclean == 1


async def test_failure_comes_back_as_one_report_that_names_no_host() -> None:
    office = Office()
    office.gateways.script = lambda _, order: [DELIVERED, FAILED]
    await office.accept(to("bob"), to("dave"), envelope_id="job-42")
    await office.turn()
    assert office.left() is None
    (report,) = await office.mail("alice")
    text = report.decode()
    assert text.startswith("Return-Path: <>\r\n")
    assert "Subject: Not delivered: your message\r\n" in text
    assert "Original-Envelope-Id: job-42\r\n" in text
    assert "Reporting-MTA: dns; mail.i2p\r\n" in text
    assert (
        "Final-Recipient: rfc822; dave@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n" in text
    )
    assert "bob@example.org\r\nAction" not in text
    assert "text/rfc822-headers" in text
    assert "Hello" not in text


async def test_whole_message_comes_back_where_that_was_asked_for() -> None:
    office = Office()
    office.gateways.script = everybody(FAILED)
    await office.accept(returns=Return.FULL)
    await office.turn()
    (report,) = await office.mail("alice")
    assert b"Content-Type: message/rfc822\r\n\r\nFrom: Alice" in report
    assert b"\r\n\r\nHello\r\n" in report


async def test_success_is_told_where_it_was_asked_for() -> None:
    office = Office()
    await office.accept(to("bob", Notify.SUCCESS), to("dave"), returns=Return.FULL)
    await office.turn()
    (report,) = await office.mail("alice")
    assert b"bob@example.org\r\nAction: relayed\r\nStatus: 2.0.0\r\n" in report
    assert b"dave@example.org\r\nAction" not in report
    assert b"Hello" not in report


async def test_nothing_is_told_where_nothing_shall_be() -> None:
    office = Office()
    office.gateways.script = everybody(FAILED)
    await office.accept(to("bob", Notify.NEVER))
    await office.turn()
    assert office.left() is None
    assert await office.mail("alice") == []


async def test_deferred_recipients_are_tried_again_and_the_others_not() -> None:
    office = Office()
    office.gateways.script = lambda _, order: [DELIVERED, DEFERRED, FAILED][: len(order.recipients)]
    await office.accept(to("bob"), to("dave"), to("eve"))
    await office.turn()
    item = office.left()
    assert item is not None
    assert item.due == NOON_MINUTE + 6  # five minutes and some chance
    office.gateways.script = everybody(DELIVERED)
    assert await office.next_attempt() is None
    (_, first, _), (_, second, _) = office.gateways.orders
    assert second.recipients == ("dave@example.org",)
    assert (first.is_first_try, second.is_first_try) == (True, False)
    assert first.transfer != second.transfer
    (report,) = await office.mail("alice")
    assert b"Subject: Not delivered to everybody" in report
    assert b"eve@example.org\r\nAction: failed" in report
    assert b"dave@example.org\r\nAction: delayed" in report


async def test_delay_is_told_once_and_the_end_once() -> None:
    office = Office()
    office.gateways.script = everybody(DEFERRED)
    await office.accept()
    await office.turn()
    while office.left():
        await office.next_attempt()
    warning, report = await office.mail("alice")
    assert b"Subject: Delayed: your message" in warning
    assert b"Action: delayed\r\nStatus: 4.2.1\r\n" in warning
    assert b"Action: failed\r\nStatus: 5.4.7\r\n" in report
    assert 4.5 * 86_400 < office.now - NOON < 6.1 * 86_400


# Gateways.


async def test_lost_link_repeats_only_those_who_were_not_reported() -> None:
    office = Office()

    def script(_: str, order: Relay) -> list[Answer | Exception]:
        if len(order.recipients) == 3:
            return [DELIVERED, GatewayLost()]
        return [DELIVERED] * len(order.recipients)

    office.gateways.script = script
    await office.accept(to("bob"), to("dave"), to("eve"))
    await office.turn()
    assert office.left() is not None
    assert await office.next_attempt() is None
    assert office.gateways.arrived == dict.fromkeys(
        ("bob@example.org", "dave@example.org", "eve@example.org"), 1
    )
    (_, first, _), (_, second, _) = office.gateways.orders
    assert second.recipients == ("dave@example.org", "eve@example.org")
    assert first.transfer == second.transfer, "so that the gateway can know it for a repetition"


async def test_another_gateway_takes_over_at_once() -> None:
    office = Office()
    office.gateways.names = ["amber", "birch", "cedar"]
    item = await office.accept()
    first, second, _ = office.desk.choice(item)
    office.gateways.lost = {first}
    await office.turn()
    assert [name for name, _, _ in office.gateways.orders] == [second]
    assert office.left() is None
    await office.accept()
    await office.turn()
    assert office.desk.counts.gateways_lost == 1, "the lost one was passed over"


async def test_a_gateway_that_was_passed_over_is_tried_again_later() -> None:
    office = Office()
    office.gateways.lost = {"amber"}
    await office.accept()
    await office.turn()
    assert office.desk.choice(await office.accept()) == []
    office.gateways.lost = set()
    office.pass_time(16)
    await office.turn()
    assert len(office.gateways.orders) == 2


async def test_retries_keep_their_gateway_while_it_works() -> None:
    office = Office()
    office.gateways.names = ["amber", "birch", "cedar"]
    item = await office.accept()
    first, second, _ = office.desk.choice(item)
    office.gateways.lost = {first}
    office.gateways.script = everybody(DEFERRED)
    await office.turn()
    office.gateways.lost = set()
    for _ in range(3):
        await office.next_attempt()
    assert {name for name, _, _ in office.gateways.orders} == {second}


async def test_several_gateways_share_the_load() -> None:
    office = Office()
    office.gateways.names = ["amber", "birch"]
    for _ in range(200):
        await office.accept()
    while office.queue.shelf.items:
        await office.turn()
    by_name = [name for name, _, _ in office.gateways.orders]
    assert 60 < by_name.count("amber") < 140


async def test_without_any_gateway_mail_waits_and_its_sender_hears_of_it() -> None:
    office = Office()
    office.gateways.names = []
    await office.accept()
    await office.turn()
    while not await office.mail("alice"):
        await office.next_attempt()
    assert 3.3 * 3_600 <= office.now - NOON < 6 * 3_600
    office.gateways.names = ["amber"]
    assert await office.next_attempt() is None
    assert office.gateways.arrived == {"bob@example.org": 1}
    assert len(await office.mail("alice")) == 1


async def test_mail_that_waited_for_a_gateway_leaves_as_soon_as_there_is_one() -> None:
    office = Office()
    office.gateways.names = []
    await office.accept()
    office.pass_time(290)
    await office.turn()
    item = office.left()
    assert item is not None
    assert item.attempt == 0, "not claimed in vain"
    office.gateways.names = ["amber"]
    await office.turn()
    assert office.left() is None


async def test_a_gateway_that_declines_is_not_passed_over_for_others() -> None:
    office = Office()
    office.gateways.script = lambda *_: [GatewayDeclined()]
    await office.accept()
    await office.turn()
    item = office.left()
    assert item is not None
    assert item.attempt == 1
    assert office.desk.choice(item) == ["amber"]


@pytest.mark.parametrize("answers", [[], [DELIVERED], [DELIVERED] * 3])
async def test_a_gateway_that_says_too_little_or_too_much_is_passed_over(
    answers: list[Answer],
) -> None:
    office = Office()
    office.gateways.script = lambda *_: answers
    item = await office.accept(to("bob"), to("dave"))
    await office.turn()
    complete = len(answers) == 3  # what came beyond the last one is not even heard
    assert (office.left() is None) == complete
    assert (office.desk.choice(item) == ["amber"]) == complete


async def test_a_gateway_whose_last_word_does_not_come_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("eepost.services.mta.attempt.FAREWELL_SECONDS", 0.01)
    office = Office()
    office.gateways.answers_forever = True
    await office.accept()
    await office.turn()
    assert office.left() is None


async def test_words_of_a_hijacked_gateway_go_no_further() -> None:
    office = Office()
    office.gateways.script = everybody((Fate.FAILED, "5.1.1 you", 550))
    await office.accept()
    await office.turn()
    (report,) = await office.mail("alice")
    assert b"Status: 5.0.0\r\n" in report


# Recipients.


async def test_who_opted_out_gets_nothing() -> None:
    office = Office()
    await office.queue.opt_out(b"bob@example.org", True)
    await office.accept(to("bob"), to("dave"))
    await office.turn()
    assert office.gateways.arrived == {"dave@example.org": 1}
    (report,) = await office.mail("alice")
    assert b"bob@example.org\r\nAction: failed\r\nStatus: 5.7.1" in report


async def test_delayed_local_copy_is_delivered_when_the_rest_leaves() -> None:
    office = Office()
    await office.accept(
        to("carol", is_local=True),
        to("bob"),
        departs=NOON_MINUTE - 7,
        mark=b"X-Virus-Status: Unscanned\r\n",
    )
    await office.turn()
    assert office.left() is None
    (copy,) = await office.mail("carol")
    assert copy.startswith(
        b"Return-Path: <alice@mail.i2p>\r\n"
        b"Received: by mail.i2p with ESMTPA; Mon, 23 Nov 2026 11:53:00 +0000\r\n"
        b"X-Virus-Status: Unscanned\r\nFrom: Alice <alice@mail.i2p>\r\n"
    )
    assert b"Date: Mon, 23 Nov 2026 11:53:00 +0000\r\n" in copy
    ((_, order, _),) = office.gateways.orders
    assert order.recipients == ("bob@example.org",)


async def test_delayed_local_copy_is_kept_once_whatever_the_gateway_does() -> None:
    office = Office()
    office.gateways.lost = {"amber"}
    await office.accept(to("carol", is_local=True), to("bob"))
    await office.turn()
    office.gateways.lost = set()
    await office.next_attempt()
    assert office.left() is None
    assert len(await office.mail("carol")) == 1


@pytest.mark.parametrize(("gone", "status"), [(True, b"5.1.1"), (False, b"5.2.1")])
async def test_delayed_local_copy_for_nobody_fails(gone: bool, status: bytes) -> None:
    office = Office()
    await office.accept(to("carol", is_local=True), to("bob"))
    if gone:
        office.accounts.delete("carol")
    else:
        office.disable("carol")
    await office.turn()
    (report,) = await office.mail("alice")
    assert b"carol@mail.i2p\r\nAction: failed\r\nStatus: " + status in report


async def test_delayed_local_copy_waits_for_room() -> None:
    office = Office()
    office.maildrops._limit_octets = 100
    await office.accept(to("carol", is_local=True))
    await office.turn()
    item = office.left()
    assert item is not None
    assert item.forwards[0].status == "4.2.2"
    office.maildrops._limit_octets = 100_000
    assert await office.next_attempt() is None
    assert len(await office.mail("carol")) == 1


async def test_delayed_local_copy_obeys_its_readers_choice_of_dangerous_files() -> None:
    office = Office()
    office.prefer("carol", cleaning=Choices(dangerous=Dangerous.DROP))
    await office.accept(to("carol", is_local=True), content=WITH_PROGRAM)
    await office.turn()
    (copy,) = await office.mail("carol")
    assert b"A file was removed" in copy
    assert b"setup.exe" not in copy


@pytest.mark.parametrize("why", list(Why))
async def test_mail_waits_for_a_cleaner_that_fails(why: Why) -> None:
    office = Office()
    office.cleaner.why = why
    await office.accept(to("carol", is_local=True), to("bob"), content=WITH_PROGRAM)
    await office.turn()
    item = office.left()
    assert item is not None
    assert [each.status for each in item.forwards if each.is_local] == ["4.3.0"]
    assert not office.gateways.orders
    office.cleaner.why = None
    assert await office.next_attempt() is None
    assert len(await office.mail("carol")) == 1
    assert office.gateways.arrived == {"bob@example.org": 1}


async def test_delayed_local_copy_that_no_reader_could_take_comes_back() -> None:
    office = Office()
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (each, each)
        for each in range(MAX_DEPTH + 1)
    )
    await office.accept(to("carol", is_local=True), content=HEAD + deep)
    await office.turn()
    (report,) = await office.mail("alice")
    assert b"carol@mail.i2p\r\nAction: failed\r\nStatus: 5.6.0" in report


# Senders.


async def test_mail_of_a_deleted_account_is_delivered_and_its_report_goes_nowhere() -> None:
    office = Office()
    office.gateways.script = lambda _, order: [DELIVERED, FAILED]
    await office.accept(to("bob"), to("dave"))
    office.accounts.delete("alice")
    await office.turn()
    assert office.left() is None
    assert office.gateways.arrived == {"bob@example.org": 1}


async def test_mail_of_a_disabled_account_waits_until_it_is_enabled() -> None:
    office = Office()
    await office.accept()
    office.disable("alice")
    for _ in range(600):  # for longer than a message lives
        await office.next_attempt()
    assert office.gateways.orders == []
    office.disable("alice", State.ENABLED)
    assert await office.next_attempt() is None
    assert office.gateways.arrived == {"bob@example.org": 1}


async def test_report_waits_for_room_in_the_senders_maildrop() -> None:
    office = Office()
    office.gateways.script = everybody(FAILED)
    office.maildrops._limit_octets = 100
    await office.accept()
    await office.turn()
    assert office.left() is not None
    office.maildrops._limit_octets = 100_000
    assert await office.next_attempt() is None
    assert len(await office.mail("alice")) == 1
    assert len(office.gateways.orders) == 1


async def test_report_that_never_finds_room_is_given_up() -> None:
    office = Office()
    office.gateways.script = everybody(FAILED)
    office.maildrops._limit_octets = 100
    await office.accept()
    await office.turn()
    while office.left():
        await office.next_attempt()
    assert 9 * 86_400 < office.now - NOON < 11 * 86_400


async def test_warning_without_room_is_left_out() -> None:
    office = Office()
    office.gateways.script = lambda _, order: [DEFERRED, FAILED][: len(order.recipients)]
    office.maildrops._limit_octets = 100
    await office.accept(to("bob"), to("dave"))
    await office.turn()
    item = office.left()
    assert item is not None
    assert item.is_warned
    office.maildrops._limit_octets = 100_000
    office.gateways.script = everybody(DELIVERED)
    await office.next_attempt()
    (report,) = await office.mail("alice")
    assert b"dave@example.org\r\nAction: failed" in report


# The store, bounds and clocks.


async def test_what_was_relayed_is_not_relayed_again_while_the_store_is_down() -> None:
    office = Office()

    def script(_: str, order: Relay) -> list[Answer | Exception]:
        office.queue.is_unavailable = True
        asyncio.get_running_loop().call_later(0.01, setattr, office.queue, "is_unavailable", False)
        return [DELIVERED]

    office.gateways.script = script
    await office.accept()
    await office.turn()
    assert office.left() is None
    assert office.desk.counts.store_pauses > 0
    assert len(office.gateways.orders) == 1


async def test_store_that_is_down_before_anything_left_costs_nothing() -> None:
    office = Office()
    item = await office.accept()
    claim = office.queue.claim

    async def claim_and_fail(*times: int) -> object:
        claimed = await claim(*times)
        office.queue.is_unavailable = True
        return claimed

    office.queue.claim = claim_and_fail  # type: ignore[method-assign, assignment]
    await office.turn()
    assert office.gateways.orders == []
    office.queue.is_unavailable = False
    del office.queue.claim
    await office.turn()
    assert office.left() == item, "until its claim has run out"
    office.pass_time(1_860)
    await office.turn()
    assert office.left() is None


async def test_somebody_elses_change_is_not_written_over() -> None:
    office = Office()
    item = await office.accept()

    def script(_: str, order: Relay) -> list[Answer | Exception]:
        office.queue.shelf.items[item.number] = office.sealer.seal(replace(item, is_held=True))
        return [DELIVERED]

    office.gateways.script = script
    await office.turn()
    left = office.left()
    assert left is not None
    assert left.is_held
    assert office.desk.counts.claims_lost == 1


async def test_a_damaged_item_stops_no_other() -> None:
    office = Office()
    broken = (await office.accept()).number
    shelf = office.queue.shelf
    shelf.items[broken] = replace(shelf.items[broken], record=b"\x01" + bytes(100))
    shortened = (await office.accept(to("eve"))).number
    shelf.segments[shortened] = []
    await office.accept(to("dave"))
    await office.relay.turn()
    await office.relay.settle()
    assert office.gateways.arrived == {"dave@example.org": 1}
    assert office.desk.counts.damaged == 2
    kept = shelf.items.pop(broken)
    assert (kept.due, kept.lease) == (NEVER, 0), "for the operator to look at"
    assert shelf.items == {}
    (report,) = await office.mail("alice")
    assert b"eve@example.org\r\nAction: failed\r\nStatus: 5.3.0\r\n" in report


async def test_a_fault_in_one_item_stops_no_other() -> None:
    office = Office()

    def script(_: str, order: Relay) -> list[Answer | Exception]:
        return [ZeroDivisionError()] if order.recipients == ("bob@example.org",) else [DELIVERED]

    office.gateways.script = script
    await office.accept(to("bob"))
    await office.accept(to("dave"))
    await office.relay.turn()
    await office.relay.settle()
    assert office.gateways.arrived == {"dave@example.org": 1}
    assert office.desk.counts.faults == 1
    (left,) = office.queue.shelf.items.values()
    assert (left.due, left.lease) == (NOON_MINUTE + 30, 0)


async def test_few_items_and_octets_are_worked_on_at_once() -> None:
    office = Office()
    office.restart(Bounds(items=3, octets=2 * len(MESSAGE)))
    most = 0

    def script(_: str, order: Relay) -> list[Answer | Exception]:
        nonlocal most
        most = max(most, office.relay._octets)
        assert office.relay.under_way <= 3
        return [DELIVERED]

    office.gateways.script = script
    for _ in range(10):
        await office.accept()
    large = MESSAGE + b"x" * 10 * len(MESSAGE) + b"\r\n"
    await office.accept(to("large"), content=large)
    while office.queue.shelf.items:
        await office.turn()
    assert most == len(large), "which went alone"
    assert sum(office.gateways.arrived.values()) == 11


async def test_batch_leaves_at_its_instant_and_not_before() -> None:
    office = Office()
    due = NOON_MINUTE + BATCH_MINUTES
    await office.accept(departure=Departure.BATCHED, departs=due, due=due)
    office.pass_time(BATCH_MINUTES * 60 - 1)
    await office.turn()
    assert office.gateways.orders == []
    office.pass_time(1)
    await office.turn()
    ((_, _, content),) = office.gateways.orders
    assert b"Date: Tue, 24 Nov 2026 00:00:00 +0000\r\n" in content
    assert office.relay.last_batch == office.queue.shelf.batch == due


async def test_a_clock_set_back_by_a_year_keeps_no_mail_for_a_year() -> None:
    office = Office()
    due = NOON_MINUTE + 40
    await office.accept(departure=Departure.DEFERRED, departs=due, due=due)
    office.gateways.script = everybody(DEFERRED)
    await office.accept(to("dave"))
    await office.turn()
    office.now -= 365 * 86_400
    await office.turn()
    assert len(office.gateways.orders) == 1
    soon = int(office.now // 60) + 70
    assert all(each.due <= soon for each in office.queue.shelf.items.values())
    office.gateways.script = everybody(DELIVERED)
    office.pass_time(70 * 60)
    await office.turn()
    assert office.queue.shelf.items == {}


async def test_after_a_crash_claims_end_and_mail_leaves() -> None:
    office = Office()
    await office.accept()
    await office.queue.claim(NOON_MINUTE, NOON_MINUTE + 9_999, NOON_MINUTE + 30, 9)
    office.restart()
    await office.turn()
    assert office.gateways.orders == []
    await office.relay.prepare()
    await office.turn()
    assert office.left() is None


async def test_it_runs_until_it_is_stopped_and_wakes_when_it_is_called() -> None:
    office = Office()
    running = asyncio.get_running_loop().create_task(office.relay.run())
    for name in ("bob", "dave"):
        await office.accept(to(name))
        office.relay.wake()
        await office.gateways.heard.wait()
        await office.relay.settle()
        office.gateways.heard.clear()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sum(office.gateways.arrived.values()) == 2


async def test_stop_cuts_off_what_hangs_and_keeps_it() -> None:
    office = Office()
    hanging = asyncio.Event()

    def script(_: str, order: Relay) -> list[Answer | Exception]:
        hanging.set()
        return []

    office.gateways.script = script
    office.gateways.answers_forever = True
    item = await office.accept()
    await office.relay.turn()
    await hanging.wait()
    await office.relay.stop(0.01)
    assert office.relay.under_way == 0
    stored: StoredItem = office.queue.shelf.items[item.number]
    assert office.sealer.open(stored) == item


async def test_who_opts_out_here_is_known_at_once_and_elsewhere_in_a_second() -> None:
    office = Office()
    bob, dave = to("bob").address, to("dave").address
    opt_outs = office.desk.opt_outs
    assert not await opt_outs.has(bob)
    await opt_outs.note(bob)
    assert await opt_outs.has(bob)
    await office.queue.opt_out(str(dave).encode(), True)
    assert not await opt_outs.has(dave)
    office.pass_time(1)
    assert await opt_outs.has(dave)
