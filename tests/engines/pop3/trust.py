# SPDX-License-Identifier: Apache-2.0
"""Watches a POP3 engine whose owner says yes and no at random: nothing may come too early."""

from collections.abc import Callable

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
from eepost.wire.pop3.server import Pop3Server
from eepost.wire.signals import Signal
from tests.engines.pop3.reading import read_replies

REFUSED = Refused("not now", ResponseCode.SYS_TEMP)


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
