# SPDX-License-Identifier: Apache-2.0
"""Split-invariance, noise, and order of trust."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eepost.wire.pop3.events import (
    Admitted,
    Answer,
    Arrived,
    Connected,
    Content,
    Entry,
    Event,
    Finished,
    LoginGiven,
    MessageWanted,
    Proceed,
    RefreshGiven,
    Refused,
    ResponseCode,
    UpdateGiven,
)
from eepost.wire.pop3.limits import Pop3Limits
from eepost.wire.pop3.server import Pop3Server
from eepost.wire.signals import Signal
from tests.engines.pop3.owner import FakeOwner, converse
from tests.engines.pop3.sessions import CUTS, OCTETS, read_replies

MESSAGES = [b"A: 1\r\n\r\n.one\r\n", b"A: 2\r\n\r\n" + b"two\r\n" * 100]
REFUSED = Refused("not now", ResponseCode.SYS_TEMP)


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


class Watch:
    """Knows what the owner has allowed, and asserts that no event goes beyond it."""

    def __init__(self) -> None:
        self.is_admitted = False
        self.messages = 0
        self.is_over = False

    def check(self, event: Event) -> None:
        assert not self.is_over, "nothing happens after the end"
        match event:
            case LoginGiven():
                assert not self.is_admitted, "one login is enough"
            case RefreshGiven():
                assert self.is_admitted, "no maildrop before login"
            case MessageWanted(index):
                assert self.is_admitted, "no message before login"
                assert 0 <= index < self.messages, "no message that was not given"
            case UpdateGiven(deleted):
                assert self.is_admitted, "no deletion before login"
                assert deleted, "no update without deletions"
                assert set(deleted) <= set(range(self.messages)), "only what was given goes"

    def note(self, answer: Answer, event: Event) -> None:
        match answer:
            case Admitted(entries) | Arrived(entries):
                self.is_admitted = True
                self.messages += len(entries)
            case Refused():
                self.is_over |= answer.closes or isinstance(event, Connected | UpdateGiven)
            case Proceed():
                self.is_over = isinstance(event, UpdateGiven)
            case _:
                pass


def random_answer(event: Event, says_yes: bool) -> list[Answer]:
    if not says_yes:
        return [REFUSED]
    match event:
        case LoginGiven():
            return [Admitted([Entry(10, "one"), Entry(20, "two")])]
        case RefreshGiven():
            return [Arrived([Entry(30, "three")])]
        case MessageWanted():
            return [Content(b"A: 1\r\n"), Content(b"\r\nsecret\r\n"), Finished()]
        case _:
            return [Proceed()]


def watch(server: Pop3Server, octets: bytes, choose: Callable[[], bool]) -> None:
    """Run a session with random answers and assert the order of trust at every event."""
    watcher = Watch()
    server.receive(octets)
    server.receive_eof()
    while (event := server.next_event()) is not Signal.CLOSED:
        if isinstance(event, Signal):
            assert server.outgoing()
            continue
        watcher.check(event)
        for answer in random_answer(event, choose()):
            server.decide(answer)
            watcher.note(answer, event)
        if not watcher.is_admitted:
            sent = server.outgoing()
            assert b"secret" not in sent
            assert not any(
                reply.startswith((b"+OK unique", b"+OK 2 messages")) for reply in read_replies(sent)
            )


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
