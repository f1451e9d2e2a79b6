# SPDX-License-Identifier: Apache-2.0
"""The engine that fetches: octets in, events out (RFC 1939, RFC 2449).

Over I2P each round trip takes seconds, so where the service offers PIPELINING many commands are
under way at once; where it does not, one after the other.

Trust: the service sends what is read here; what it may not say is a PeerViolation.
"""

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from eepost.mail.violation import Misuse, PeerViolation
from eepost.wire.dots import DotDecoder
from eepost.wire.fetch.events import (
    Complete,
    Content,
    Deleted,
    Ended,
    Event,
    Listed,
    Missing,
    Stage,
    TurnedAway,
)
from eepost.wire.fetch.limits import FetchLimits
from eepost.wire.fetch.listing import read_entries
from eepost.wire.lines import BadLine, LineBuffer
from eepost.wire.signals import Signal

DEFAULT_LIMITS: Final = FetchLimits()
# What people are shown of a status line.
MAX_WORDS_CHARACTERS: Final = 400
# What is taken of a message at a time.
_CHUNK_OCTETS: Final = 65_536
_CODE: Final = re.compile(rb"\[([A-Za-z/-]{1,30})\]")
# RFC 2449 8.1, RFC 3206 4: the password is not what was wrong.
_TEMPORARY: Final = frozenset((b"SYS/TEMP", b"IN-USE", b"LOGIN-DELAY"))
_PLAIN: Final = re.compile(r"[ -~]+")  # what USER and PASS can carry


@dataclass(frozen=True, slots=True)
class _Status:
    """A status line."""

    is_yes: bool
    text: bytes = field(repr=False)

    @property
    def words(self) -> str:
        """The text, for people."""
        text = self.text.decode("utf-8", "replace")
        shown = "".join(each if each.isprintable() else " " for each in text)
        return shown.strip()[:MAX_WORDS_CHARACTERS]

    @property
    def is_temporary(self) -> bool:
        """The service says that it is its own fault."""
        code = _CODE.match(self.text)
        return code is not None and code[1].upper() in _TEMPORARY


@dataclass(frozen=True, slots=True)
class _Command:
    """What was, or will be, said, and what its status line means."""

    octets: bytes = field(repr=False)
    answered: Callable[[_Status], None] = field(repr=False)


@dataclass(slots=True)
class _Lines:
    """A multi-line answer of short lines under way."""

    limit: int
    ended: Callable[[list[bytes]], None]
    lines: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class _Message:
    """A message under way."""

    number: int
    decoder: DotDecoder = field(default_factory=DotDecoder)
    octets: int = 0


class Pop3Client:
    """One session; its owner goes round like this.

    1. Ask `next_event`. After Listed ask for messages by `retrieve` (or `look`, for their headers),
       `delete` them, and `quit` last.
    2. On NEED_DATA send what `outgoing` gives, then `receive` more.
    3. On CLOSED send what `outgoing` gives and close the stream.

    Commands may be given in any number; they are sent as fast as the service allows, and answered
    in their order. A stream that ends early is the owner's to notice.
    """

    __slots__ = (
        "_buffer",
        "_capabilities",
        "_content",
        "_events",
        "_is_closed",
        "_is_open",
        "_limits",
        "_lines",
        "_login",
        "_outgoing",
        "_password",
        "_queued",
        "_sizes",
        "_under_way",
    )  # fmt: skip

    def __init__(self, login: str, password: str, limits: FetchLimits = DEFAULT_LIMITS) -> None:
        """Raises Misuse for a login or password that POP3 can't carry."""
        if not (_PLAIN.fullmatch(login) and _PLAIN.fullmatch(password)):
            raise Misuse("a login and a password are printable ASCII")
        self._login = login
        self._password = password
        self._limits = limits
        self._buffer = LineBuffer()
        self._events: list[Event] = []
        self._outgoing: list[bytes] = []
        self._queued: deque[_Command] = deque()
        self._under_way: deque[_Command] = deque([_Command(b"", self._greeted)])
        self._lines: _Lines | None = None
        self._content: _Message | None = None
        self._capabilities: frozenset[bytes] = frozenset()
        self._sizes: list[bytes] = []
        self._is_open = False
        self._is_closed = False

    def __repr__(self) -> str:
        return "Pop3Client()"

    def receive(self, octets: bytes) -> None:
        """Take what came from the service, cut anywhere."""
        if not self._is_closed:
            self._buffer.feed(octets)

    def outgoing(self) -> bytes:
        """Return and forget what is to be sent."""
        octets = b"".join(self._outgoing)
        self._outgoing.clear()
        return octets

    def next_event(self) -> Event | Signal:
        """Return what has happened, or a signal. Raises PeerViolation, and is CLOSED after it."""
        while not self._events:
            if self._is_closed:
                return Signal.CLOSED
            try:
                if not self._read():
                    return Signal.NEED_DATA
            except PeerViolation:
                self._close()
                raise
        return self._events.pop(0)

    def retrieve(self, number: int) -> None:
        """Ask for a message: Content and Complete follow, or Missing. Raises Misuse."""
        self._ask(b"RETR %d\r\n" % number, lambda status: self._message(number, status))

    def look(self, number: int) -> None:
        """Ask for a message's header: Content and Complete follow, or Missing. Raises Misuse."""
        self._ask(b"TOP %d 0\r\n" % number, lambda status: self._message(number, status))

    def delete(self, number: int) -> None:
        """Ask that a message be deleted at the end: Deleted or Missing follows. Raises Misuse."""
        self._ask(b"DELE %d\r\n" % number, lambda status: self._deleted(number, status))

    def quit(self) -> None:
        """Ask for the end: Ended follows, then CLOSED. Raises Misuse."""
        self._ask(b"QUIT\r\n", self._parted)
        self._is_open = False

    # Commands.

    def _ask(self, octets: bytes, answered: Callable[[_Status], None]) -> None:
        if not self._is_open:
            raise Misuse("nothing may be asked now")
        self._say(octets, answered)

    def _say(self, octets: bytes, answered: Callable[[_Status], None]) -> None:
        self._queued.append(_Command(octets, answered))
        self._send_more()

    def _send_more(self) -> None:
        window = self._limits.window if b"PIPELINING" in self._capabilities else 1
        # An answer of several lines is under way until its last one.
        unfinished = int(self._lines is not None or self._content is not None)
        while self._queued and len(self._under_way) + unfinished < window:
            command = self._queued.popleft()
            self._under_way.append(command)
            self._outgoing.append(command.octets)

    # Reading.

    def _read(self) -> bool:
        """Take something of what came; False if there is not enough to go on."""
        if self._content is not None:
            return self._read_content(self._content)
        line = self._buffer.take_line(self._limits.line_octets)
        if line is None:
            return False
        if isinstance(line, BadLine):
            raise PeerViolation("a line is too long or ends badly")
        if self._lines is not None:
            self._add_line(self._lines, line)
        else:
            self._take_status(line)
        return True

    def _take_status(self, line: bytes) -> None:
        if not self._under_way:
            raise PeerViolation("an answer to nothing")
        if line[:3] == b"+OK":
            status = _Status(True, line[3:].lstrip(b" "))
        elif line[:4] == b"-ERR":
            status = _Status(False, line[4:].lstrip(b" "))
        else:
            raise PeerViolation("what came is no status line")
        self._under_way.popleft().answered(status)
        self._send_more()

    def _add_line(self, multi: _Lines, line: bytes) -> None:
        if line == b".":
            self._lines = None
            multi.ended(multi.lines)
            self._send_more()
            return
        line = line[1:] if line[:1] == b"." else line
        multi.lines.append(line[: self._limits.listed_octets])
        if len(multi.lines) > multi.limit:
            raise PeerViolation("a listing has too many lines")

    def _read_content(self, message: _Message) -> bool:
        octets = self._buffer.take(_CHUNK_OCTETS)
        if not octets:
            return False
        content = message.decoder.decode(octets)
        message.octets += len(content)
        if message.octets > self._limits.message_octets:
            raise PeerViolation("a message is larger than may be")
        if content:
            self._events.append(Content(content))
        if message.decoder.is_complete:
            self._content = None
            self._give_back(message.decoder.rest)
            self._events.append(Complete(message.number))
            self._send_more()
        return True

    def _give_back(self, rest: bytes) -> None:
        behind = self._buffer.take(len(self._buffer))
        self._buffer.feed(rest + behind)

    # One method for each answer.

    def _greeted(self, status: _Status) -> None:
        if not status.is_yes:
            self._turn_away(Stage.GREETING, status)
            return
        self._say(b"CAPA\r\n", self._capable)

    def _capable(self, status: _Status) -> None:
        if status.is_yes:
            self._lines = _Lines(self._limits.capabilities, self._learn)
        else:
            self._learn([])  # from before RFC 2449

    def _learn(self, lines: list[bytes]) -> None:
        self._capabilities = frozenset(line.split(b" ", 1)[0].upper() for line in lines)
        self._say(b"USER %s\r\n" % self._login.encode("ascii"), self._named)
        self._say(b"PASS %s\r\n" % self._password.encode("ascii"), self._logged_in)

    def _named(self, status: _Status) -> None:
        if not status.is_yes:
            self._turn_away(Stage.LOGIN, status)

    def _logged_in(self, status: _Status) -> None:
        if not status.is_yes:
            self._turn_away(Stage.LOGIN, status)
            return
        self._say(b"LIST\r\n", self._sized)
        self._say(b"UIDL\r\n", self._identified)

    def _sized(self, status: _Status) -> None:
        if not status.is_yes:
            self._turn_away(Stage.LISTING, status)
            return
        self._lines = _Lines(self._limits.messages, self._note_sizes)

    def _note_sizes(self, lines: list[bytes]) -> None:
        self._sizes = lines

    def _identified(self, status: _Status) -> None:
        if status.is_yes:
            self._lines = _Lines(self._limits.messages, self._list)
        else:
            self._list(None)

    def _list(self, unique_ids: Sequence[bytes] | None) -> None:
        entries = read_entries(self._sizes, unique_ids)
        self._sizes = []
        self._is_open = True
        self._events.append(Listed(entries))

    def _message(self, number: int, status: _Status) -> None:
        if status.is_yes:
            self._content = _Message(number)
        else:
            self._events.append(Missing(number))

    def _deleted(self, number: int, status: _Status) -> None:
        self._events.append(Deleted(number) if status.is_yes else Missing(number))

    def _parted(self, status: _Status) -> None:
        self._events.append(Ended(status.is_yes))
        self._close()

    def _turn_away(self, stage: Stage, status: _Status) -> None:
        self._events.append(TurnedAway(stage, status.words, status.is_temporary))
        self._close()

    def _close(self) -> None:
        self._is_closed = True
        self._is_open = False
        self._queued.clear()
        self._under_way.clear()
