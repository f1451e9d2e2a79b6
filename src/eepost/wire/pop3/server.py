# SPDX-License-Identifier: Apache-2.0
"""The POP3 server engine: octets in, events out, answers in, octets out (RFC 1939, RFC 2449).

It keeps the protocol's order and bounds and nothing else: no input or output, no clock, no
accounts. Who may log in, what lies in a maildrop and what becomes of a deletion, the owner says.

Trust: anybody who can reach the port feeds this.
"""

from eepost.mail.violation import Misuse
from eepost.wire.lines import LineBuffer
from eepost.wire.pop3 import replies
from eepost.wire.pop3.answers import settle
from eepost.wire.pop3.commands import obey
from eepost.wire.pop3.events import Answer, Event
from eepost.wire.pop3.limits import Pop3Limits
from eepost.wire.pop3.session import Session
from eepost.wire.signals import Signal


class Pop3Server:
    """One session; its owner goes round like this.

    1. Ask `next_event`. Answer an event with `decide` (a wanted message with several answers)
       and ask again.
    2. On NEED_DATA send what `outgoing` gives. If that was anything, ask again: the engine reads
       no further commands while much waits to be sent. If it was nothing, `receive` more.
    3. On CLOSED send what `outgoing` gives and close the stream.

    After `receive_eof` commands that came whole are still obeyed: a client may send DELE and
    QUIT and close without reading, and its deletions count. Without QUIT nothing is deleted.
    """

    __slots__ = ("_commands", "_is_ended", "_is_fresh", "_lines", "_session")

    def __init__(self, limits: Pop3Limits, expire_days: int | None = None) -> None:
        self._session = Session(limits, expire_days)
        self._lines = LineBuffer()
        self._is_fresh = True  # Connected was not given yet
        self._is_ended = False  # the peer sends no more
        self._commands = 0

    def receive(self, octets: bytes) -> None:
        """Take what came from the peer, cut anywhere."""
        if not self._session.is_closed:
            self._lines.feed(octets)

    def receive_eof(self) -> None:
        """Take note that the peer sends no more."""
        self._is_ended = True

    def outgoing(self) -> bytes:
        """Return and forget what is to be sent to the peer."""
        return self._session.take_outgoing()

    def next_event(self) -> Event | Signal:
        """Return what the owner has to answer, or a signal; the first one is Connected.

        Raises Misuse while an event waits for its answer.
        """
        session = self._session
        if session.awaited is not None:
            return self._give_first(session.awaited)
        limits = session.limits
        while not session.is_closed:
            if session.outgoing_octets > limits.outgoing_octets:
                return Signal.NEED_DATA
            line = self._lines.take_line(limits.command_line_octets)
            if line is None:
                return self._starve()
            self._commands += 1
            if self._commands > limits.commands:
                self.expire(replies.TOO_MANY_COMMANDS)
            elif (event := obey(session, line)) is not None:
                session.awaited = event
                return event
        return Signal.CLOSED

    def decide(self, answer: Answer) -> None:
        """Answer the event that `next_event` gave last.

        Raises Misuse if nothing or something else is asked. After `expire` it is ignored: the
        answer may have been on its way.
        """
        session = self._session
        if session.awaited is None or self._is_fresh:
            if session.is_closed:
                return
            raise Misuse("no event waits for an answer")
        settle(session, session.awaited, answer)

    def expire(self, text: str) -> None:
        """End the session for the owner's reasons: nothing is deleted, CLOSED follows.

        `text` (printable ASCII) goes out as -ERR, but never inside a message; and not at all if
        it is empty, which is what RFC 1939 3 wants of an idle session.
        """
        session = self._session
        if text and not (session.is_sending or session.is_closed):
            session.send(replies.failure(text))
        session.close()

    @property
    def is_idle(self) -> bool:
        """No answer is awaited and no command has begun: a polite moment to end the session."""
        return self._session.awaited is None and len(self._lines) == 0

    @property
    def has_enough(self) -> bool:
        """TOP has all it shows: Finished may be answered without the rest of the message."""
        return self._session.has_enough

    def _give_first(self, event: Event) -> Event:
        if not self._is_fresh:
            raise Misuse("an event waits for its answer")
        self._is_fresh = False
        return event

    def _starve(self) -> Signal:
        if not self._is_ended:
            return Signal.NEED_DATA
        self._session.close()
        return Signal.CLOSED
