# SPDX-License-Identifier: Apache-2.0
"""Threads hold on both sides: in what an outside peer gets and in the user's own Sent folder."""

from dataclasses import replace

import pytest

from eepost.mail.header import MAX_HEADER_OCTETS, split_header
from eepost.mail.msgid import map_id
from eepost.mail.violation import PeerViolation
from eepost.sanitise.choices import Choices
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.inbound import Inbound, sanitise_to_user
from eepost.sanitise.outcome import Sanitised
from eepost.sanitise.sent_ids import GivenId, SentIds, name_originals
from eepost.sanitise.threads import (
    DeliveredIds,
    hash_id,
    hashes_to_look_up,
    hashes_to_remember,
    thread_ids,
)
from tests.sanitise.test_rebuild import CONTEXT, octets

TABLE_KEY = b"t" * 32
NONE_SENT: dict[bytes, bytes] = {}
OURS = map_id(b"k" * 32, b"1@laptop", "mail.i2p")


def sent(message: bytes, context: FromUser = CONTEXT) -> Sanitised:
    outcome = sanitise_from_user(b"From: alice@mail.i2p\r\n" + message, context)
    assert isinstance(outcome, Sanitised)
    return outcome


def test_what_to_remember_is_told_for_the_sender() -> None:
    given = sent(b"Message-ID: <1@laptop>\r\n\r\n").given_id
    assert given == GivenId(OURS, b"1@laptop")
    assert "laptop" not in repr(given)


@pytest.mark.parametrize(
    "field", [b"", b"Message-ID: \r\n", b"Message-ID: <%s@x>\r\n" % (b"x" * 250)]
)
def test_nothing_is_remembered_of_what_cannot_be_written_again(field: bytes) -> None:
    assert sent(field + b"\r\n").given_id is None


def test_user_may_switch_the_way_back_off() -> None:
    context = replace(CONTEXT, choices=Choices(maps_ids_back=False))
    assert sent(b"Message-ID: <1@laptop>\r\n\r\n", context).given_id is None


ANSWER = (
    b"From: peer@outside.example\r\nMessage-ID: <2@outside>\r\nIn-Reply-To: <%s>\r\n"
    b"References: <0@outside> <%s>\r\nX-Other: <%s>\r\n\r\nReferences: <%s>\r\n"
) % ((OURS,) * 4)


def test_answer_names_the_original_and_nothing_else_is_touched() -> None:
    named = name_originals(ANSWER, {OURS: b"1@laptop"}.get)
    assert named == (
        b"From: peer@outside.example\r\nMessage-ID: <2@outside>\r\nIn-Reply-To: <1@laptop>\r\n"
        b"References: <0@outside>\r\n <1@laptop>\r\nX-Other: <%s>\r\n\r\nReferences: <%s>\r\n"
    ) % (OURS, OURS)


@pytest.mark.parametrize(
    "message",
    [
        *(ANSWER, b"", b"body", b"References:", b"References: <a@b>", b"From x\r\nTo: y\r\n\r\nz"),
        b"In-Reply-To: <a@b> (comment)\r\nno header\r\n",
    ],
)
def test_message_that_names_none_of_ours_stays_as_it_is(message: bytes) -> None:
    assert name_originals(message, NONE_SENT.get) == message


def test_header_beyond_the_bounds_is_refused() -> None:
    with pytest.raises(PeerViolation):
        name_originals(b"X: " + b"x" * MAX_HEADER_OCTETS, NONE_SENT.get)


def test_lines_stay_short_whatever_is_named() -> None:
    originals = {b"%d@x" % at: b"%d@%s" % (at, b"y" * 240) for at in range(40)}
    value = b" ".join(b"<%s>" % each for each in originals)
    named = name_originals(b"References: " + value + b"\r\n\r\n", originals.get)
    assert max(map(len, named.split(b"\r\n"))) <= 998
    assert named.count(b"y" * 240) == 40


def test_conversation_threads_on_both_sides() -> None:
    """A writes, an outside peer answers, A answers again from what his program shows him."""
    given = sent(b"Message-ID: <1@laptop>\r\n\r\n").given_id
    assert given is not None
    table = {hash_id(TABLE_KEY, given.ours): given.original}

    wanted = hashes_to_look_up(TABLE_KEY, ANSWER)
    found = {tag: original for tag, original in table.items() if tag in wanted}
    context = Inbound(CONTEXT.randomness, original_of=SentIds(TABLE_KEY, found).original)
    delivered = sanitise_to_user(ANSWER, context)
    assert isinstance(delivered, Sanitised)
    header = {name: value for name, _, value in split_header(octets(delivered)).fields}
    assert header[b"In-Reply-To"] == b" <1@laptop>\r\n"
    assert delivered.thread_ids == (b"2@outside", OURS, b"0@outside", OURS)

    known = DeliveredIds(TABLE_KEY, hashes_to_remember(TABLE_KEY, delivered.thread_ids))
    second = sent(
        b"Message-ID: <3@laptop>\r\nIn-Reply-To: <2@outside>\r\n"
        b"References: <0@outside> <1@laptop> <2@outside>\r\n\r\n",
        replace(CONTEXT, known_ids=known),
    )
    header = {name: value for name, _, value in split_header(octets(second)).fields}
    assert header[b"In-Reply-To"] == b" <2@outside>\r\n"
    assert header[b"References"].split() == [b"<0@outside>", b"<%s>" % OURS, b"<2@outside>"]


def test_message_without_identifier_gives_those_that_it_names() -> None:
    fields = split_header(b"Subject: <x@y>\r\nReferences: <a@b> <c@d>\r\n\r\n").fields
    assert thread_ids(fields) == (b"a@b", b"c@d")
