# SPDX-License-Identifier: Apache-2.0
"""What one session remembers, and every way in which that changes."""

from typing import Final

from eepost.mail.reply import Reply
from eepost.mail.violation import Misuse
from eepost.wire.dots import DotDecoder
from eepost.wire.lines import LineBuffer
from eepost.wire.sasl import Mechanism
from eepost.wire.smtp import marks, replies
from eepost.wire.smtp.events import Connected, Event, Mark, Secured, TransactionDropped
from eepost.wire.smtp.limits import SmtpLimits
from eepost.wire.smtp.service import Service
from eepost.wire.smtp.states import OPEN, TRANSITIONS, State, Step
from eepost.wire.smtp.transaction import Chunk, Transaction

_DROPPED: Final = TransactionDropped()
_SECURED: Final = Secured()
_CLOSED: Final = State.CLOSED  # asked for often, and the way to a member is long


class Session:
    """The state between two reads. Commands, content and decisions act on it."""

    __slots__ = (
        "_commands",
        "_errors",
        "_transaction",
        "asked",
        "auth_failures",
        "chunk",
        "decoder",
        "limits",
        "lines",
        "mechanism",
        "messages",
        "name",
        "outgoing",
        "service",
        "state",
        "told",
    )

    def __init__(self, limits: SmtpLimits, name: str, service: Service) -> None:
        self.limits = limits
        self.name = name
        self.service = service
        self.lines = LineBuffer()
        self.outgoing = bytearray()
        self.state = State.CONNECTED
        self.told: list[Event] = []  # events not fetched yet; one that was asked is the last
        self.asked: Event | None = None  # waits for its decision
        self.mechanism: Mechanism | None = None  # of the AUTH that is under way
        self._transaction: Transaction | None = None
        self.decoder: DotDecoder | None = None  # while a message comes by DATA
        self.chunk: Chunk | None = None  # while one comes by BDAT
        self.auth_failures = 0
        self.messages = 0
        self._commands = 0
        self._errors = 0
        self.ask(Connected())

    def advance(self, step: Step) -> None:
        """Move on as the table says."""
        self.state = TRANSITIONS[self.state, step]

    @property
    def is_closed(self) -> bool:
        """Nothing is obeyed any more."""
        return self.state is _CLOSED

    def ask(self, event: Event) -> None:
        """Let the owner decide on `event`; nothing else happens before."""
        self.asked = event
        self.told.append(event)

    def send(self, reply: Reply) -> None:
        """Queue a reply for the peer."""
        self.outgoing += reply.octets

    def take_outgoing(self) -> bytes:
        """Return and forget what was queued."""
        octets = bytes(self.outgoing)
        self.outgoing.clear()
        return octets

    def count_command(self) -> bool:
        """Count one more, and say whether the session may go on."""
        self._commands += 1
        if self._commands > self.limits.commands:
            self.hang_up(replies.TOO_MANY_COMMANDS)
        return not self.is_closed

    def refuse(self, reply: Reply, mark: Mark = marks.COMMAND_REFUSED) -> None:
        """Answer what no sound client sends; too much of it ends the session."""
        self._errors += 1
        if self._errors > self.limits.errors:
            self.hang_up(replies.TOO_MANY_ERRORS)
        else:
            self.send(reply)
            self.told.append(mark)

    def hang_up(self, reply: Reply) -> None:
        """End the session because a limit was reached."""
        self.send(reply)
        self.close()
        self.told.append(marks.LIMIT_REACHED)

    def close(self) -> None:
        """End the session; what is queued still goes out, what came behind is not obeyed."""
        if self.asked is not None and self.told:
            self.told.pop()  # was not fetched yet and is not asked any more
        self.drop()
        self.advance(Step.CLOSED)
        self.asked = self.mechanism = None
        self.lines = LineBuffer()

    def secure(self) -> None:
        """Begin anew under TLS: nothing that came before it survives (RFC 3207 4.2)."""
        if self.state is not State.SECURING or self.service.secured is None:
            raise Misuse("TLS was not asked for")
        self.service = self.service.secured
        self.lines = LineBuffer()
        self.advance(Step.TLS_STANDS)
        self.told.append(_SECURED)

    def fail_login(self) -> None:
        """End an AUTH without a login."""
        self.mechanism = None
        self.advance(Step.AUTH_FAILED)

    def open_transaction(self, is_utf8: bool) -> None:
        """Begin one: its reverse-path was accepted."""
        self.advance(Step.MAIL_ACCEPTED)
        self._transaction = Transaction(self.limits, is_utf8)

    @property
    def transaction(self) -> Transaction:
        """What is remembered of the transaction. Raises Misuse where none is open."""
        if self._transaction is None:
            raise Misuse("no transaction is open")
        return self._transaction

    def spoil(self) -> None:
        """Let the owner forget a message that can't be taken while more of it is still to come.

        `drop` follows when the last of it has come and its check is not needed any more.
        """
        if self.state in OPEN:
            self.told.append(_DROPPED)
            self.advance(Step.CONTENT_REFUSED)

    def drop(self) -> None:
        """Forget a transaction, and let the owner forget it if it is open."""
        if self.state in OPEN:
            self.told.append(_DROPPED)
        self._forget()

    def end_transaction(self) -> None:
        """Be ready for another one; what became of this one is settled."""
        self.advance(Step.TRANSACTION_ENDED)
        self._forget()

    def _forget(self) -> None:
        self._transaction = self.decoder = self.chunk = None
