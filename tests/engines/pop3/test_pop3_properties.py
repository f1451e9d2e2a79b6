# SPDX-License-Identifier: Apache-2.0
"""Split-invariance, noise, and order of trust."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eepost.wire.pop3.events import Connected, Entry, Event
from eepost.wire.pop3.limits import Pop3Limits
from eepost.wire.pop3.server import Pop3Server
from eepost.wire.signals import Signal
from tests.engines.pop3.owner import FakeOwner, converse
from tests.engines.pop3.reading import read_replies
from tests.engines.pop3.sessions import CUTS, OCTETS
from tests.engines.pop3.trust import watch

MESSAGES = [b"A: 1\r\n\r\n.one\r\n", b"A: 2\r\n\r\n" + b"two\r\n" * 100]


def chunks(octets: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({0, *(cut for cut in cuts if cut < len(octets)), len(octets)})
    return [octets[a:b] for a, b in itertools.pairwise(at)]


def run(pieces: list[bytes]) -> tuple[list[Event], set[int], bytes]:
    """Feed the pieces one by one, then close; return what happened."""
    owner = FakeOwner(MESSAGES)
    server = Pop3Server(Pop3Limits())
    sent = converse(server, owner)
    for piece in pieces:
        server.receive(piece)
        sent += converse(server, owner)
    server.receive_eof()
    sent += converse(server, owner)
    assert server.next_event() is Signal.CLOSED
    return owner.events, owner.removed, sent


@given(OCTETS, CUTS)
def test_cutting_the_stream_changes_nothing(octets: bytes, cuts: list[int]) -> None:
    singles = [octets[i : i + 1] for i in range(len(octets))]
    assert run([octets]) == run(chunks(octets, cuts)) == run(singles)


@given(OCTETS)
def test_any_octets_get_well_formed_replies(octets: bytes) -> None:
    read_replies(run([octets])[2])


@given(st.binary(max_size=2000))
def test_binary_noise_gets_well_formed_replies(octets: bytes) -> None:
    events, removed, sent = run([octets])
    read_replies(sent)
    assert events == [Connected()]
    assert removed == set()


@pytest.mark.parametrize("sent", [b"+OK\r\n", b"+OK x\n", b"ok\r\n", b"+OK 1 octets\r\nx\r\n"])
def test_reader_of_replies_notices_bad_ones(sent: bytes) -> None:
    with pytest.raises(ValueError, match=r"status|subsection"):
        read_replies(sent)


@settings(max_examples=300)
@given(OCTETS, st.lists(st.booleans(), max_size=40), st.booleans())
def test_no_event_comes_before_those_it_depends_on(
    octets: bytes, answers: list[bool], later: bool
) -> None:
    decisions = iter(answers)
    watch(Pop3Server(Pop3Limits()), octets, lambda: next(decisions, later))


@pytest.mark.parametrize("octets", [b"STAT\r\n", b"RETR 1\r\n", b"DELE 1\r\nQUIT\r\n"])
def test_watch_notices_a_login_that_was_never_admitted(octets: bytes) -> None:
    server = Pop3Server(Pop3Limits())
    server._session.is_admitted = True
    server._session.listing.append([Entry(10, "one"), Entry(20, "two")])
    with pytest.raises(AssertionError, match="before login"):
        watch(server, octets, lambda: True)
