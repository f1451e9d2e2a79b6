# SPDX-License-Identifier: Apache-2.0
"""A fake owner of a POP3 engine: one account, one maildrop in memory, faults on request."""

from collections.abc import Iterator, Sequence

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

LOGIN = "alice"
PASSWORD = "correct horse"  # with a space, which a password may have


class FakeOwner:
    """Answers every event; `events` and `removed` say what came and what was deleted."""

    def __init__(self, messages: Sequence[bytes] = (), chunk_octets: int = 1000) -> None:
        self.messages: list[bytes] = list(messages)
        self.arriving: list[bytes] = []
        self.gone: set[int] = set()  # indexes that another session deleted
        self.broken: set[int] = set()  # indexes whose content stops in the middle
        self.refusals: dict[str, Refused] = {}  # by the event's name
        self.removed: set[int] = set()
        self.events: list[Event] = []
        self._chunk_octets = chunk_octets

    def answers(self, event: Event) -> Iterator[Answer]:
        self.events.append(event)
        refusal = self.refusals.get(type(event).__name__)
        if refusal is not None:
            yield refusal
            return
        match event:
            case Connected():
                yield Proceed()
            case LoginGiven(login, password):
                yield self._login(login, password)
            case RefreshGiven():
                yield Arrived(self._arrive())
            case MessageWanted(index):
                yield from self._contents(index)
            case UpdateGiven(deleted):
                self.removed |= set(deleted)
                yield Proceed()

    def _login(self, login: str, password: str) -> Answer:
        if (login, password) == (LOGIN, PASSWORD):
            return Admitted(entries(self.messages))
        return Refused("wrong login or password", ResponseCode.AUTH)

    def _arrive(self) -> Sequence[Entry]:
        first = len(self.messages)
        self.messages += self.arriving
        self.arriving = []
        return entries(self.messages)[first:]

    def _contents(self, index: int) -> Iterator[Answer]:
        if index in self.gone:
            yield Refused("no such message any more")
            return
        message = self.messages[index]
        if index in self.broken:
            yield Content(message[: len(message) // 2])
            yield Refused("the store is away", ResponseCode.SYS_TEMP)
            return
        for at in range(0, len(message), self._chunk_octets):
            yield Content(message[at : at + self._chunk_octets])
        yield Finished()


def entries(messages: Sequence[bytes]) -> Sequence[Entry]:
    return [Entry(len(message), f"uid-{at}") for at, message in enumerate(messages, 1)]


def converse(server: Pop3Server, owner: FakeOwner) -> bytes:
    """Run the engine until it needs the peer or is closed, and return what it sent."""
    sent = bytearray()
    while True:
        event = server.next_event()
        if isinstance(event, Signal):
            octets = server.outgoing()
            sent += octets
            if event is Signal.CLOSED or not octets:
                return bytes(sent)
            continue
        for answer in owner.answers(event):
            server.decide(answer)


def say(server: Pop3Server, owner: FakeOwner, octets: bytes) -> bytes:
    """Send `octets` in one piece and return what comes back."""
    server.receive(octets)
    return converse(server, owner)


def connected(owner: FakeOwner, limits: Pop3Limits | None = None) -> Pop3Server:
    """Return an engine that has greeted."""
    server = Pop3Server(limits or Pop3Limits())
    assert converse(server, owner).startswith(b"+OK ")
    return server


def logged_in(owner: FakeOwner, limits: Pop3Limits | None = None) -> Pop3Server:
    """Return an engine in the TRANSACTION state."""
    server = connected(owner, limits)
    replies = say(server, owner, f"USER {LOGIN}\r\nPASS {PASSWORD}\r\n".encode())
    assert replies.count(b"+OK ") == 2
    return server


def is_closed(server: Pop3Server) -> bool:
    return server.next_event() is Signal.CLOSED
