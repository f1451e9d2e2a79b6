# SPDX-License-Identifier: Apache-2.0
"""The SMTP server engine: octets in, events out, replies in, octets out (RFC 5321, RFC 6409).

It keeps the protocol's order and bounds and nothing else: no input or output, no clock, no
accounts. Who may log in, who gets mail and what becomes of a message, the owner says.

Trust: anybody who can reach the port feeds this. Only CRLF ends a line and only CRLF "." CRLF ends
a message; what another program could read as an end is refused, never interpreted.
"""

from typing import Final

from eepost.mail.reply import Reply
from eepost.mail.violation import Misuse
from eepost.wire.signals import Signal
from eepost.wire.smtp import replies
from eepost.wire.smtp.commands import read_line
from eepost.wire.smtp.decisions import settle
from eepost.wire.smtp.events import Event
from eepost.wire.smtp.intake import read_chunk, read_data
from eepost.wire.smtp.limits import SmtpLimits
from eepost.wire.smtp.service import SUBMISSION, Service
from eepost.wire.smtp.session import Session
from eepost.wire.smtp.states import IDLE, OPEN, State

# Replies that may wait to be sent before the next command is read: eight octets of EHLO are
# answered with a hundred and fifty, and a burst of them must not be answered all at once.
MAX_OUTGOING_OCTETS = 65_536
_SECURING: Final = State.SECURING  # asked for often, and the way to a member is long


class SmtpServer:
    """One session; its owner goes round like this.

    1. Ask `next_event`. Answer an event marked *decide* with `decide`, take note of the others,
       and ask again.
    2. On NEED_DATA send what `outgoing` gives. If there was anything, ask again: the engine reads
       no further while too much waits to be sent. If not, `receive` more. So a burst of commands
       gets a burst of replies (RFC 2920 3.2).
    3. On START_TLS read no more, send what `outgoing` gives, begin TLS, call `secured`, ask again.
    4. On CLOSED send what `outgoing` gives and close the stream.

    While an event waits for its decision, the owner reads no more from the stream than it wants
    to keep. After `receive_eof` what came whole is still obeyed.
    """

    __slots__ = ("_is_ended", "_session")

    def __init__(self, limits: SmtpLimits, name: str, service: Service = SUBMISSION) -> None:
        """Take the mail domain as `name`: all that EHLO says of who serves here."""
        self._session = Session(limits, name, service)
        self._is_ended = False  # the peer sends no more

    def receive(self, octets: bytes) -> None:
        """Take what came from the peer, cut anywhere. Raises Misuse after `receive_eof`."""
        if self._is_ended:
            raise Misuse("nothing can come after the end")
        session = self._session
        if not session.is_closed:
            session.lines.feed(octets)

    def secured(self) -> None:
        """Take note that TLS stands; what came in the clear is forgotten. Raises Misuse."""
        self._session.secure()

    def receive_eof(self) -> None:
        """Take note that the peer sends no more."""
        self._is_ended = True

    def outgoing(self) -> bytes:
        """Return and forget what is to be sent to the peer."""
        return self._session.take_outgoing()

    def next_event(self) -> Event | Signal:
        """Return what the owner has to decide or to note, or a signal; the first is Connected.

        Raises Misuse while a decision is due.
        """
        session = self._session
        told = session.told
        while not told:
            if session.asked is not None:
                raise Misuse("an event waits for its decision")
            if session.is_closed:
                return Signal.CLOSED
            if session.state is _SECURING:
                if not session.lines and not self._is_ended:
                    return Signal.START_TLS
                # Came in the clear, to be obeyed under TLS (STARTTLS injection, CVE-2011-0411).
                session.hang_up(replies.BEHIND_STARTTLS)
                continue
            if len(session.outgoing) > MAX_OUTGOING_OCTETS:
                return Signal.NEED_DATA
            if not _read(session):
                if not self._is_ended:
                    return Signal.NEED_DATA
                session.close()
        return told.pop(0)

    def decide(self, reply: Reply) -> None:
        """Answer the event that `next_event` gave last; 421 also ends the session.

        Raises Misuse where nothing was asked, and for a yes to another question. After `expire`
        it is ignored: the decision may have been on its way.
        """
        session = self._session
        if session.is_closed:
            return
        if session.asked is None or session.told:
            raise Misuse("no event waits for a decision")
        settle(session, session.asked, reply)

    def expire(self, reply: Reply) -> None:
        """End the session for the owner's reasons: nothing is delivered, CLOSED follows.

        Raises Misuse unless the reply is a 421 (RFC 5321 3.8).
        """
        if reply.code != 421:
            raise Misuse("only 421 ends a session unasked")
        session = self._session
        if not session.is_closed:
            session.send(reply)
            session.close()

    @property
    def is_idle(self) -> bool:
        """No command and no transaction is under way: a polite moment to end the session."""
        session = self._session
        return (
            session.state in IDLE
            and session.asked is None
            and session.chunk is None
            and not session.lines
        )

    @property
    def in_transaction(self) -> bool:
        """A reverse-path was accepted, and what becomes of the message is not settled."""
        return self._session.state in OPEN


def _read(session: Session) -> bool:
    """Take something of what came; False if there is not enough to go on."""
    if session.decoder is not None:
        return read_data(session, session.decoder)
    if session.chunk is not None:
        return read_chunk(session, session.chunk)
    return read_line(session)
