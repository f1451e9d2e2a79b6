# SPDX-License-Identifier: Apache-2.0
"""The submission server engine: octets in, events out, replies in, octets out (RFC 5321, RFC 6409).

It keeps the protocol's order and bounds and nothing else: no input or output, no clock, no
accounts. Who may log in, who gets mail and what becomes of a message, the owner says.

Trust: anybody who can reach the port feeds this. Only CRLF ends a line and only CRLF "." CRLF ends
a message; what another program could read as an end is refused, never interpreted.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from eepost.mail.reply import Reply
from eepost.mail.violation import Misuse
from eepost.wire.dots import DotDecoder
from eepost.wire.lines import BadLine, LineBuffer
from eepost.wire.sasl import (
    MECHANISMS,
    Credentials,
    Fault,
    Mechanism,
    decode_base64,
    encode_base64,
)
from eepost.wire.signals import Signal
from eepost.wire.smtp import marks, replies
from eepost.wire.smtp.commands import parse_bdat, parse_mail, parse_rcpt
from eepost.wire.smtp.content import DRAINED_MULTIPLE, FLAW_REPLIES, ContentCheck
from eepost.wire.smtp.events import (
    AuthGiven,
    Connected,
    ContentGiven,
    Event,
    MailGiven,
    Mark,
    MessageGiven,
    RcptGiven,
    TransactionDropped,
)
from eepost.wire.smtp.limits import SmtpLimits
from eepost.wire.smtp.states import OPEN, REFUSALS, TRANSITIONS, State, Step
from eepost.wire.smtp.transaction import Transaction

_CONNECTED: Final = Connected()
_MESSAGE_GIVEN: Final = MessageGiven()
_DROPPED: Final = TransactionDropped()
_NO_REFUSALS: Final[Mapping[bytes, Reply]] = {}
_FAULT_REPLIES: Final[Mapping[Fault, Reply]] = {
    Fault.NOT_BASE64: replies.NOT_BASE64,
    Fault.MALFORMED: replies.MALFORMED_RESPONSE,
    Fault.FOREIGN_IDENTITY: replies.FOREIGN_IDENTITY,
}


class SmtpServer:
    """One session, and everything that changes its state.

    The owner's loop: `next_event()`; answer an event marked *decide* with `decide`, take note of
    the others; on NEED_DATA send what `outgoing()` gives, wait for the peer and `receive` what
    comes; on CLOSED send what `outgoing()` gives and close the stream. Replies wait until then, so
    that a burst of commands gets a burst of replies (RFC 2920 3.2).

    While an event waits, the owner reads no more from the stream than it wants to keep. After
    `receive_eof` what came whole is still obeyed. The messages of a session are counted when
    they are complete.
    """

    __slots__ = (
        "_asked",
        "_auth_failures",
        "_check",
        "_chunk_is_last",
        "_chunk_octets",
        "_chunk_refusal",
        "_commands",
        "_decoder",
        "_errors",
        "_is_ended",
        "_limits",
        "_lines",
        "_mechanism",
        "_messages",
        "_name",
        "_outgoing",
        "_state",
        "_told",
        "_transaction",
    )

    def __init__(self, limits: SmtpLimits, name: str) -> None:
        """Take the mail domain as `name`: all that EHLO says of who serves here."""
        self._limits = limits
        self._name = name
        self._lines = LineBuffer()
        self._outgoing = bytearray()
        self._state = State.CONNECTED
        self._asked: Event | None = _CONNECTED  # waits for its decision
        self._told: list[Event] = [_CONNECTED]  # not fetched yet; what was asked is the last
        self._is_ended = False  # the peer sends no more
        self._mechanism: Mechanism | None = None  # of the AUTH that is under way
        self._transaction: Transaction | None = None
        self._check: ContentCheck | None = None  # of the message that is coming
        self._decoder: DotDecoder | None = None  # of DATA
        self._chunk_octets: int | None = None  # what is missing of a BDAT chunk
        self._chunk_is_last = False
        self._chunk_refusal: Reply | None = None  # the chunk is thrown away
        self._commands = 0
        self._errors = 0
        self._auth_failures = 0
        self._messages = 0

    # What the owner calls.

    def receive(self, octets: bytes) -> None:
        """Take what came from the peer, cut anywhere."""
        if self._is_ended:
            raise Misuse("nothing can come after the end")
        if self._state is not State.CLOSED:
            self._lines.feed(octets)

    def receive_eof(self) -> None:
        """The peer sends no more."""
        self._is_ended = True

    def outgoing(self) -> bytes:
        """Return and forget what is to be sent to the peer."""
        octets = bytes(self._outgoing)
        self._outgoing.clear()
        return octets

    def next_event(self) -> Event | Signal:
        """Return what the owner has to decide or to note, or a signal.

        Raises Misuse while a decision is due.
        """
        told = self._told
        while not told:
            if self._asked is not None:
                raise Misuse("an event waits for its decision")
            if self._state is State.CLOSED:
                return Signal.CLOSED
            if not self._read():
                if not self._is_ended:
                    return Signal.NEED_DATA
                self._close()
        return told.pop(0)

    def decide(self, reply: Reply) -> None:
        """Answer the event that `next_event` gave; a reply of 421 also ends the session.

        Raises Misuse where nothing was asked, and where the reply is a yes to another question.
        After `expire` a decision that was on its way is ignored.
        """
        if self._state is State.CLOSED:
            return
        asked = self._asked
        if asked is None or self._told:
            raise Misuse("no event waits for a decision")
        positive, settle = _DECISIONS[type(asked)]
        if reply.is_positive and reply.code != positive:
            raise Misuse(f"the event is answered with {positive} or a refusal")
        self._asked = None
        self._outgoing += reply.octets
        settle(self, asked, reply)
        if reply.code == 421:
            self._close()

    def expire(self, reply: Reply) -> None:
        """End the session for the owner's reasons: nothing is delivered, CLOSED follows."""
        if reply.code != 421:
            raise Misuse("only 421 ends a session unasked")  # RFC 5321 3.8
        if self._state is not State.CLOSED:
            self._outgoing += reply.octets
            self._close()

    @property
    def is_idle(self) -> bool:
        """No command and no transaction is under way: the session may be ended politely."""
        return (
            self._asked is None
            and self._transaction is None
            and self._chunk_octets is None
            and self._state not in (State.AUTHENTICATING, State.DRAINING)
            and not self._lines
        )

    @property
    def in_transaction(self) -> bool:
        """A reverse-path was accepted, and what becomes of the message is not settled."""
        return self._state in OPEN

    # How the state changes.

    def _advance(self, step: Step) -> None:
        self._state = TRANSITIONS[self._state, step]

    def _ask(self, event: Event) -> None:
        self._asked = event
        self._told.append(event)

    def _refuse(self, reply: Reply, mark: Mark = marks.COMMAND_REFUSED) -> None:
        self._errors += 1
        if self._errors > self._limits.errors:
            self._hang_up(replies.TOO_MANY_ERRORS)
            return
        self._outgoing += reply.octets
        self._told.append(mark)

    def _hang_up(self, reply: Reply) -> None:
        self._outgoing += reply.octets
        self._close()
        self._told.append(marks.LIMIT_REACHED)

    def _close(self) -> None:
        if self._asked is not None and self._told:
            self._told.pop()  # was not fetched yet and is not asked any more
        self._drop()
        self._advance(Step.CLOSED)
        self._asked = self._mechanism = self._chunk_octets = None
        self._lines = LineBuffer()  # what came behind is not obeyed any more

    def _drop(self) -> None:
        """Let the owner forget an open transaction."""
        if self._state in OPEN:
            self._told.append(_DROPPED)
        self._forget()

    def _forget(self) -> None:
        self._transaction = self._check = self._decoder = None

    def _end_transaction(self) -> None:
        self._advance(Step.TRANSACTION_ENDED)
        self._forget()

    # Reading: each takes something of what came, or returns False if there is not enough.

    def _read(self) -> bool:
        if self._chunk_octets is not None:
            return self._read_chunk(self._chunk_octets)
        if self._decoder is not None:
            return self._read_content(self._decoder)
        return self._read_line()

    def _read_line(self) -> bool:
        lines, limits = self._lines, self._limits
        is_auth = self._state is State.AUTHENTICATING or lines.begins_with(b"AUTH ")
        line = lines.take_line(limits.auth_line_octets if is_auth else limits.command_line_octets)
        if line is None:
            return False
        if isinstance(line, BadLine):
            self._refuse_line(line, is_auth)
        elif self._mechanism is not None:
            self._respond(self._mechanism, line)
        else:
            self._obey(line)
        return True

    def _refuse_line(self, line: BadLine, is_auth: bool) -> None:
        if self._state is State.AUTHENTICATING:
            self._end_exchange()
        if is_auth and line is BadLine.TOO_LONG:
            self._refuse(replies.AUTH_LINE_TOO_LONG)
        else:
            self._refuse(replies.BAD_LINES[line], marks.BAD_LINE)

    def _read_content(self, decoder: DotDecoder) -> bool:
        lines = self._lines
        if not lines:
            return False
        self._admit(decoder.decode(lines.take(len(lines))))
        if decoder.is_complete:
            lines.feed(decoder.rest)
            self._finish_message()
        return True

    def _read_chunk(self, missing: int) -> bool:
        octets = self._lines.take(missing)
        if missing and not octets:
            return False
        missing -= len(octets)
        self._chunk_octets = missing or None
        if self._chunk_refusal is None and octets:
            self._admit(octets)
        if not missing and self._state is not State.CLOSED:
            self._finish_chunk()
        return True

    def _admit(self, octets: bytes) -> None:
        check = self._check
        if check is None:
            return  # a chunk whose flaw was found already
        admitted = check.admit(octets)
        if admitted:
            self._told.append(ContentGiven(admitted))
        elif check.flaw and self._state in OPEN:
            self._told.append(_DROPPED)
            self._advance(Step.CONTENT_REFUSED)
            self._transaction = None
        if check.is_endless:
            self._hang_up(replies.ENDLESS_CONTENT)

    # Commands: each takes its argument.

    def _obey(self, line: bytes) -> None:
        self._commands += 1
        if self._commands > self._limits.commands:
            self._hang_up(replies.TOO_MANY_COMMANDS)
            return
        verb, _, rest = line.partition(b" ")
        verb = verb.upper()
        refusal = REFUSALS[self._state].get(verb)
        try:
            argument = rest.decode().strip(" \t")
        except UnicodeDecodeError:
            refusal, argument = replies.NOT_UTF8, ""
        if refusal is not None and verb != b"BDAT":
            self._refuse(refusal)
        else:
            _COMMANDS.get(verb, SmtpServer._unknown)(self, argument)

    def _unknown(self, _argument: str) -> None:
        self._refuse(replies.UNKNOWN_COMMAND)

    def _browse(self, _argument: str) -> None:
        # A web page can make a browser send a form with commands in it to this port.
        self._hang_up(replies.NOT_THE_WEB)

    def _ehlo(self, argument: str) -> None:
        self._introduce(argument, replies.ehlo(self._name, self._limits.message_octets))

    def _helo(self, argument: str) -> None:
        self._introduce(argument, replies.helo(self._name))

    def _introduce(self, argument: str, octets: bytes) -> None:
        if not argument:
            self._refuse(replies.NO_EHLO_NAME)
            return
        self._drop()
        self._advance(Step.INTRODUCED)
        self._outgoing += octets

    def _auth(self, argument: str) -> None:
        name, _, response = argument.partition(" ")
        if not name:
            self._refuse(replies.AUTH_SYNTAX)
            return
        make = MECHANISMS.get(name.upper())
        if make is None:
            self._refuse(replies.UNKNOWN_MECHANISM)
            return
        self._advance(Step.AUTH_BEGUN)
        self._mechanism = mechanism = make()
        if response:
            # RFC 4954 4: "=" stands for a response that is empty.
            self._respond(mechanism, b"" if response == "=" else response.encode())
        else:
            self._challenge(mechanism.challenge)

    def _challenge(self, challenge: bytes) -> None:
        self._outgoing += b"334 %b\r\n" % encode_base64(challenge)

    def _respond(self, mechanism: Mechanism, line: bytes) -> None:
        if line == b"*":
            self._end_exchange()
            self._refuse(replies.AUTH_CANCELLED)
            return
        response = decode_base64(line)
        answer = Fault.NOT_BASE64 if response is None else mechanism.respond(response)
        if isinstance(answer, Credentials):
            self._mechanism = None
            self._ask(AuthGiven(answer.login, answer.password))
        elif isinstance(answer, Fault):
            self._end_exchange()
            self._refuse(_FAULT_REPLIES[answer])
        else:
            self._challenge(answer)

    def _end_exchange(self) -> None:
        self._mechanism = None
        self._advance(Step.AUTH_FAILED)

    def _mail(self, argument: str) -> None:
        if self._messages >= self._limits.messages:
            self._hang_up(replies.TOO_MANY_MESSAGES)
            return
        reverse_path = parse_mail(argument, self._limits.message_octets)
        if isinstance(reverse_path, Reply):
            self._refuse(reverse_path)
        else:
            self._ask(MailGiven(reverse_path))

    def _rcpt(self, argument: str) -> None:
        transaction = self._open_transaction()
        recipient = parse_rcpt(argument, transaction.is_utf8)
        if isinstance(recipient, Reply):
            transaction.note_refused(recipient)
            self._refuse(recipient)
        elif transaction.recipients >= self._limits.recipients:
            # Not an error of the client's: RFC 5321 4.5.3.1.10 lets it send the rest later.
            transaction.note_refused(replies.TOO_MANY_RECIPIENTS, recipient.address)
            self._outgoing += replies.TOO_MANY_RECIPIENTS.octets
            self._told.append(marks.LIMIT_REACHED)
        else:
            self._ask(RcptGiven(recipient))

    def _open_transaction(self) -> Transaction:
        if self._transaction is None:
            raise Misuse("no transaction is open")
        return self._transaction

    def _data(self, argument: str) -> None:
        transaction = self._open_transaction()
        if argument:
            self._refuse(replies.NEEDLESS_ARGUMENT)
        elif not transaction.recipients:
            self._refuse(transaction.refusal())
        else:
            self._advance(Step.DATA_BEGUN)
            self._decoder = DotDecoder()
            self._check = self._new_check()
            self._outgoing += transaction.invitation().octets

    def _new_check(self) -> ContentCheck:
        return ContentCheck(self._limits.message_octets, self._limits.text_line_octets)

    def _bdat(self, argument: str) -> None:
        chunk = parse_bdat(argument)
        if chunk is None:
            self._hang_up(replies.BDAT_SYNTAX)
            return
        octets, self._chunk_is_last = chunk
        if octets > self._limits.message_octets * DRAINED_MULTIPLE:
            self._hang_up(replies.ENDLESS_CONTENT)
            return
        # RFC 3030 2: whatever the answer is, the chunk is not read as commands.
        self._chunk_refusal = REFUSALS[self._state].get(b"BDAT")
        if self._chunk_refusal is None:
            self._begin_chunk()
        self._chunk_octets = octets
        self._read_chunk(octets)

    def _begin_chunk(self) -> None:
        transaction = self._open_transaction()
        if transaction.recipients:
            self._advance(Step.CHUNK_BEGUN)
            self._check = self._check or self._new_check()
            return
        self._chunk_refusal = transaction.refusal()
        self._drop()
        self._advance(Step.CONTENT_REFUSED)

    def _finish_chunk(self) -> None:
        if self._chunk_refusal is not None:
            self._finish_refused_chunk(self._chunk_refusal)
        elif self._chunk_is_last:
            self._finish_message()
        elif self._check is not None and self._check.flaw:
            self._refuse(FLAW_REPLIES[self._check.flaw], marks.CONTENT_REFUSED)
            self._check = None
        else:
            self._outgoing += replies.CHUNK_TAKEN.octets

    def _finish_refused_chunk(self, refusal: Reply) -> None:
        if refusal is replies.CHUNK_THROWN_AWAY:
            # No new error: they were on their way when the first was refused.
            self._outgoing += refusal.octets
        else:
            self._refuse(refusal)
        if self._chunk_is_last and self._state is State.SPOILT:
            self._end_transaction()

    def _finish_message(self) -> None:
        """All octets of the message came: ask what becomes of it, or say what is wrong with it."""
        check = self._check
        if check is None or self._state is State.CLOSED:
            return
        missing = check.finish()
        if missing:
            self._told.append(ContentGiven(missing))
        self._decoder = None
        if not check.flaw:
            self._ask(_MESSAGE_GIVEN)
            return
        self._drop()
        self._advance(Step.TRANSACTION_ENDED)
        self._refuse(FLAW_REPLIES[check.flaw], marks.CONTENT_REFUSED)

    def _rset(self, _argument: str) -> None:
        self._drop()
        self._advance(Step.TRANSACTION_ENDED)
        self._outgoing += replies.RESET.octets

    def _noop(self, _argument: str) -> None:
        self._outgoing += replies.OK.octets

    def _help(self, _argument: str) -> None:
        self._outgoing += replies.HELP.octets

    def _vrfy(self, argument: str) -> None:
        if argument:
            self._outgoing += replies.VRFY_NEUTRAL.octets
        else:
            self._refuse(replies.ARGUMENT_MISSING)

    def _expn(self, _argument: str) -> None:
        self._refuse(replies.NO_EXPN)

    def _starttls(self, _argument: str) -> None:
        self._refuse(replies.NO_STARTTLS)

    def _quit(self, argument: str) -> None:
        if argument:
            self._refuse(replies.NEEDLESS_ARGUMENT)
            return
        self._outgoing += replies.BYE.octets
        self._close()

    # Decisions: each takes the event and the owner's answer to it, which is on its way already.

    def _greet(self, _event: Event, reply: Reply) -> None:
        if reply.is_positive:
            self._advance(Step.GREETED)
        else:
            self._close()

    def _log_in(self, _event: Event, reply: Reply) -> None:
        if reply.is_positive:
            self._advance(Step.AUTH_ACCEPTED)
            return
        self._advance(Step.AUTH_FAILED)
        self._auth_failures += not reply.is_transient
        if self._auth_failures >= self._limits.auth_failures:
            self._hang_up(replies.TOO_MANY_LOGINS)

    def _open(self, event: MailGiven, reply: Reply) -> None:
        if reply.is_positive:
            self._advance(Step.MAIL_ACCEPTED)
            self._transaction = Transaction(event.reverse_path.is_utf8)

    def _add(self, event: RcptGiven, reply: Reply) -> None:
        transaction = self._open_transaction()
        if reply.is_positive:
            self._advance(Step.RCPT_ACCEPTED)
            transaction.recipients += 1
        else:
            transaction.note_refused(reply, event.recipient.address)

    def _hand_over(self, _event: Event, _reply: Reply) -> None:
        self._messages += 1
        self._end_transaction()


_COMMANDS: Final[Mapping[bytes, Callable[[SmtpServer, str], None]]] = {
    b"EHLO": SmtpServer._ehlo,
    b"HELO": SmtpServer._helo,
    b"AUTH": SmtpServer._auth,
    b"MAIL": SmtpServer._mail,
    b"RCPT": SmtpServer._rcpt,
    b"DATA": SmtpServer._data,
    b"BDAT": SmtpServer._bdat,
    b"RSET": SmtpServer._rset,
    b"NOOP": SmtpServer._noop,
    b"HELP": SmtpServer._help,
    b"VRFY": SmtpServer._vrfy,
    b"EXPN": SmtpServer._expn,
    b"STARTTLS": SmtpServer._starttls,
    b"QUIT": SmtpServer._quit,
    **dict.fromkeys((b"GET", b"HEAD", b"POST", b"PUT", b"OPTIONS", b"CONNECT"), SmtpServer._browse),
}
# The event's own yes, and what follows from the owner's answer.
_DECISIONS: Final[Mapping[type, tuple[int, Callable[[SmtpServer, Any, Reply], None]]]] = {
    Connected: (220, SmtpServer._greet),
    AuthGiven: (235, SmtpServer._log_in),
    MailGiven: (250, SmtpServer._open),
    RcptGiven: (250, SmtpServer._add),
    MessageGiven: (250, SmtpServer._hand_over),
}
