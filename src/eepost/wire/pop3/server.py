# SPDX-License-Identifier: Apache-2.0
"""The POP3 server engine: octets in, events out, answers in, octets out (RFC 1939, RFC 2449).

It keeps the protocol's order and bounds and nothing else: no input or output, no clock, no
accounts. Who may log in, what lies in a maildrop and what becomes of a deletion, the owner says.

Trust: anybody who can reach the port feeds this.
"""

from collections.abc import Callable, Mapping
from typing import Final

from eepost.mail.violation import Misuse
from eepost.wire.lines import BadLine, LineBuffer
from eepost.wire.pop3 import replies
from eepost.wire.pop3.events import (
    Admitted,
    Answer,
    Arrived,
    Connected,
    Content,
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
from eepost.wire.pop3.listing import Listing
from eepost.wire.signals import Signal
from eepost.wire.stuffing import DotStuffer, TopCut

_NUMBER_DIGITS = 10  # more messages or lines than that exist nowhere, and int() stays cheap
_CONNECTED: Final = Connected()
_REFRESH_GIVEN: Final = RefreshGiven()


class Pop3Server:
    """One session, and everything that changes its state.

    The owner's loop:

    1. `next_event()`: an event is answered with `decide` (a wanted message with many); on
       NEED_DATA send what `outgoing()` gives, and if that was anything ask again;
       only when it is empty wait for the peer and `receive` what comes.
    2. On CLOSED send what `outgoing()` gives and close the stream.

    While an event waits the owner reads no more from the stream than it wants to keep. After
    `receive_eof` commands that came whole are still obeyed: a client may send DELE and QUIT and
    close without reading, and its deletions count. Nothing is deleted without a QUIT.
    """

    __slots__ = (
        "_auth_failures",
        "_awaited",
        "_commands",
        "_cut",
        "_errors",
        "_expire_days",
        "_is_closed",
        "_is_ended",
        "_is_fresh",
        "_limits",
        "_lines",
        "_listing",
        "_login",
        "_outgoing",
        "_outgoing_octets",
        "_stuffer",
        "_verbs",
    )

    def __init__(self, limits: Pop3Limits, expire_days: int | None = None) -> None:
        self._limits = limits
        self._expire_days = expire_days
        self._lines = LineBuffer()
        self._verbs = _AUTHORIZATION
        self._awaited: Event | None = _CONNECTED
        self._is_fresh = True  # Connected waits to be given
        self._is_ended = False  # the peer sends no more
        self._is_closed = False
        self._login: bytes | None = None
        self._listing = Listing(())
        self._stuffer: DotStuffer | None = None  # of the message that is being sent
        self._cut: TopCut | None = None
        self._outgoing: list[bytes] = []
        self._outgoing_octets = 0
        self._commands = 0
        self._errors = 0
        self._auth_failures = 0

    def receive(self, octets: bytes) -> None:
        """Take what came from the peer, cut anywhere."""
        if not self._is_closed:
            self._lines.feed(octets)

    def receive_eof(self) -> None:
        """The peer sends no more."""
        self._is_ended = True

    def outgoing(self) -> bytes:
        """Return and forget what is to be sent to the peer."""
        octets = b"".join(self._outgoing)
        self._outgoing.clear()
        self._outgoing_octets = 0
        return octets

    def expire(self, text: str) -> None:
        """End the session for the owner's reasons: nothing is deleted, CLOSED follows.

        `text` (printable ASCII) goes out as -ERR, but never inside a message, and not at all if
        it is empty, as RFC 1939 3 wants it of an idle session. An answer that was on its way is
        ignored.
        """
        if text and self._stuffer is None and not self._is_closed:
            self._send(replies.failure(text))
        self._close()

    @property
    def is_idle(self) -> bool:
        """No answer is awaited and no command has begun: the session may be ended politely."""
        return self._awaited is None and len(self._lines) == 0

    @property
    def has_enough(self) -> bool:
        """TOP has all it shows: the owner may answer Finished without the rest of the message."""
        return self._cut is not None and self._cut.is_complete

    def next_event(self) -> Event | Signal:
        """Return what the owner has to answer, or a signal. Raises Misuse before an answer."""
        if self._awaited is not None:
            return self._first_event()
        limits = self._limits
        while not self._is_closed:
            if self._outgoing_octets > limits.outgoing_octets:
                return Signal.NEED_DATA
            line = self._lines.take_line(limits.command_line_octets)
            if line is None:
                if not self._is_ended:
                    return Signal.NEED_DATA
                self._close()
                break
            event = self._obey(line)
            if event is not None:
                self._awaited = event
                return event
        return Signal.CLOSED

    def decide(self, answer: Answer) -> None:
        """Answer the event that `next_event` gave. Raises Misuse if it can't be answered so."""
        awaited = self._awaited
        if type(answer) is Content and type(awaited) is MessageWanted:
            self._show(awaited, answer.octets)
            return
        settle = _ANSWERS.get((type(awaited), type(answer)))
        if settle is not None and not self._is_fresh:
            self._awaited = None
            settle(self, awaited, answer)
        elif not self._is_closed:
            raise Misuse("no event waits for this answer")

    def _first_event(self) -> Event:
        if not self._is_fresh:
            raise Misuse("an event waits for its answer")
        self._is_fresh = False
        return _CONNECTED

    def _send(self, octets: bytes) -> None:
        self._outgoing.append(octets)
        self._outgoing_octets += len(octets)

    def _close(self) -> None:
        self._is_closed = True
        self._awaited = None
        self._login = None

    def _mistake(self, reply: bytes) -> None:
        self._errors += 1
        if self._errors < self._limits.errors:
            self._send(reply)
        else:
            self._send(replies.TOO_MANY_ERRORS)
            self._close()

    # Commands: each takes its argument and answers, or returns what the owner must decide.

    def _obey(self, line: bytes | BadLine) -> Event | None:
        self._commands += 1
        if self._commands > self._limits.commands:
            self._send(replies.TOO_MANY_COMMANDS)
            self._close()
            return None
        if isinstance(line, BadLine):
            self._mistake(replies.BAD_LINES[line])
            return None
        verb, _, argument = line.partition(b" ")
        return self._verbs.get(verb.upper(), Pop3Server._unknown)(self, argument)

    def _unknown(self, _argument: bytes) -> None:
        self._mistake(replies.UNKNOWN_COMMAND)

    def _misplaced(self, _argument: bytes) -> None:
        self._mistake(replies.NOT_NOW)

    def _not_offered(self, _argument: bytes) -> None:
        self._mistake(replies.USER_AND_PASS_ONLY)

    def _capa(self, argument: bytes) -> None:
        if self._takes_none(argument):
            self._send(replies.capabilities(self._expire_days))

    def _user(self, argument: bytes) -> None:
        login = argument.strip()
        if not login:
            self._mistake(replies.NO_ARGUMENT)
            return
        self._login = login
        self._send(replies.USER_TAKEN)

    def _pass(self, argument: bytes) -> Event | None:
        login, self._login = self._login, None  # RFC 1939 7: after -ERR it begins with USER again
        if login is None:
            self._mistake(replies.USER_FIRST)
            return None
        if not argument:
            self._mistake(replies.NO_ARGUMENT)
            return None
        try:
            return LoginGiven(login.decode(), argument.decode())
        except UnicodeDecodeError:
            self._deny(None, replies.WRONG_CREDENTIALS)
            return None

    def _stat(self, argument: bytes) -> Event | None:
        return _REFRESH_GIVEN if self._takes_none(argument) else None

    def _list(self, argument: bytes) -> None:
        listing = self._listing
        if not argument:
            self._send(b"+OK " + listing.stat() + b"\r\n" + listing.sizes() + b".\r\n")
        elif (index := self._index(argument)) is not None:
            self._send(b"+OK %d %d\r\n" % (index + 1, listing.entry(index).size_octets))

    def _uidl(self, argument: bytes) -> None:
        listing = self._listing
        if not argument:
            self._send(replies.UNIQUE_IDS_FOLLOW + listing.unique_ids() + b".\r\n")
        elif (index := self._index(argument)) is not None:
            unique_id = listing.entry(index).unique_id
            self._send(f"+OK {index + 1} {unique_id}\r\n".encode("ascii"))

    def _retr(self, argument: bytes) -> Event | None:
        index = self._index(argument)
        return None if index is None else MessageWanted(index, self._listing.entry(index), None)

    def _top(self, argument: bytes) -> Event | None:
        number, _, lines_text = argument.strip().partition(b" ")
        lines = _number(lines_text)
        if lines is None:
            self._mistake(replies.BAD_TOP)
            return None
        index = self._index(number)
        return None if index is None else MessageWanted(index, self._listing.entry(index), lines)

    def _dele(self, argument: bytes) -> None:
        index = self._index(argument)
        if index is not None:
            self._listing.delete(index)
            self._send(replies.DELETED)

    def _rset(self, argument: bytes) -> None:
        if self._takes_none(argument):
            self._listing.undelete()
            self._send(replies.UNDELETED)

    def _noop(self, argument: bytes) -> None:
        if self._takes_none(argument):
            self._send(replies.NOTHING_DONE)

    def _quit(self, argument: bytes) -> Event | None:
        if not self._takes_none(argument):
            return None
        deleted = self._listing.deleted
        if deleted:
            return UpdateGiven(deleted)
        self._part()
        return None

    def _takes_none(self, argument: bytes) -> bool:
        if argument and not argument.isspace():
            self._mistake(replies.NEEDLESS_ARGUMENT)
            return False
        return True

    def _index(self, argument: bytes) -> int | None:
        number = _number(argument)
        if number is None:
            self._mistake(replies.BAD_NUMBER)
            return None
        index = self._listing.index_of(number)
        if index is None:
            self._send(replies.NO_SUCH_MESSAGE)
        return index

    # Answers: each takes the event and the owner's answer to it.

    def _greet(self, _event: Event, _answer: Answer) -> None:
        self._send(replies.GREETING)

    def _turn_away(self, event: Event, answer: Refused) -> None:
        self._fail(event, answer)
        self._close()

    def _admit(self, _event: Event, answer: Admitted) -> None:
        self._listing = Listing(answer.entries)
        self._verbs = _TRANSACTION
        self._send(replies.ADMITTED)

    def _deny(self, event: Event | None, answer: Refused) -> None:
        self._fail(event, answer)
        if answer.code in (None, ResponseCode.AUTH):
            self._auth_failures += 1
        else:
            self._errors += 1
        limits = self._limits
        if self._auth_failures >= limits.auth_failures or self._errors >= limits.errors:
            self._close()

    def _refresh(self, _event: Event, answer: Arrived) -> None:
        self._listing.append(answer.entries)
        self._send(b"+OK " + self._listing.stat() + b"\r\n")

    def _fail(self, _event: Event | None, answer: Refused) -> None:
        self._send(replies.failure(answer.text, answer.code))
        if answer.closes:
            self._close()

    def _show(self, wanted: MessageWanted, octets: bytes) -> None:
        stuffer = self._stuffer or self._begin(wanted)
        if self._cut is not None:
            octets = self._cut.cut(octets)
        self._send(stuffer.stuff(octets))

    def _begin(self, wanted: MessageWanted) -> DotStuffer:
        self._stuffer = DotStuffer()
        if wanted.body_lines is None:
            self._send(b"+OK %d octets\r\n" % wanted.entry.size_octets)
        else:
            self._cut = TopCut(wanted.body_lines)
            self._send(replies.TOP_FOLLOWS)
        return self._stuffer

    def _finish(self, wanted: MessageWanted, _answer: Answer) -> None:
        stuffer = self._stuffer or self._begin(wanted)
        self._send(stuffer.end())
        self._stuffer = self._cut = None

    def _break_off(self, event: Event, answer: Refused) -> None:
        if self._stuffer is None:
            self._fail(event, answer)
        else:
            # A dot would pass a part for the whole, and a reply would be read as content.
            self._close()

    def _part(self, _event: Event | None = None, _answer: Answer | None = None) -> None:
        self._send(replies.BYE)
        self._close()

    def _keep(self, _event: Event, answer: Refused) -> None:
        self._send(replies.failure(answer.text, answer.code or ResponseCode.SYS_TEMP))
        self._close()


def _number(text: bytes) -> int | None:
    """Return the decimal number, None if it is anything else or too long."""
    digits = text.strip()
    return int(digits) if digits.isdigit() and len(digits) <= _NUMBER_DIGITS else None


_Command = Callable[[Pop3Server, bytes], Event | None]

_BEFORE_LOGIN: Final[Mapping[bytes, _Command]] = {
    b"CAPA": Pop3Server._capa,
    b"USER": Pop3Server._user,
    b"PASS": Pop3Server._pass,
    b"APOP": Pop3Server._not_offered,
    b"AUTH": Pop3Server._not_offered,
    b"STLS": Pop3Server._not_offered,
    b"QUIT": Pop3Server._quit,
}
_AFTER_LOGIN: Final[Mapping[bytes, _Command]] = {
    b"CAPA": Pop3Server._capa,
    b"STAT": Pop3Server._stat,
    b"LIST": Pop3Server._list,
    b"UIDL": Pop3Server._uidl,
    b"RETR": Pop3Server._retr,
    b"TOP": Pop3Server._top,
    b"DELE": Pop3Server._dele,
    b"RSET": Pop3Server._rset,
    b"NOOP": Pop3Server._noop,
    b"QUIT": Pop3Server._quit,
}
_AUTHORIZATION: Final[Mapping[bytes, _Command]] = {
    **dict.fromkeys(_AFTER_LOGIN, Pop3Server._misplaced),
    **_BEFORE_LOGIN,
}
_TRANSACTION: Final[Mapping[bytes, _Command]] = {
    **dict.fromkeys(_BEFORE_LOGIN, Pop3Server._misplaced),
    **_AFTER_LOGIN,
}
_ANSWERS: Final[Mapping[tuple[type, type], Callable[..., None]]] = {
    (Connected, Proceed): Pop3Server._greet,
    (Connected, Refused): Pop3Server._turn_away,
    (LoginGiven, Admitted): Pop3Server._admit,
    (LoginGiven, Refused): Pop3Server._deny,
    (RefreshGiven, Arrived): Pop3Server._refresh,
    (RefreshGiven, Refused): Pop3Server._fail,
    (MessageWanted, Finished): Pop3Server._finish,
    (MessageWanted, Refused): Pop3Server._break_off,
    (UpdateGiven, Proceed): Pop3Server._part,
    (UpdateGiven, Refused): Pop3Server._keep,
}
