# SPDX-License-Identifier: Apache-2.0
"""The engine that hands mail in: octets in, events out (RFC 5321, RFC 6409).

Over I2P each round trip takes seconds, so whatever may be sent together is (RFC 2920): MAIL, all
RCPT and DATA in one piece where the service offers that, and the letter at once behind its 354.

It says nothing of the machine it runs on: its name in EHLO is what mail programs say that hide
theirs. Trust: the service sends what is read here; what it may not say is a PeerViolation.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from eepost.mail.violation import Misuse, PeerViolation
from eepost.wire.sasl import encode_base64
from eepost.wire.signals import Signal
from eepost.wire.stuffing import DotStuffer
from eepost.wire.submit.events import Answered, Event, Ready, Stage, TurnedAway
from eepost.wire.submit.letter import Envelope
from eepost.wire.submit.offers import Offers, read_offers
from eepost.wire.submit.replies import FarReply, ReplyReader

# RFC 5321 4.1.4: who has no name says his address. Thunderbird says this one, so many do.
EHLO_NAME: Final = b"[127.0.0.1]"
TOO_LARGE: Final = FarReply(552, ("The service takes no message of this size",))
NO_UTF8: Final = FarReply(553, ("The service takes no addresses with such letters",))

_Step = Callable[[FarReply], None]


class SmtpClient:
    """One session; its owner goes round like this.

    1. Ask `next_event`. After Ready or Answered call `submit` or `quit`, and ask again.
    2. On NEED_DATA send what `outgoing` gives, then `receive` more.
    3. On CLOSED send what `outgoing` gives and close the stream.

    A stream that ends early is the owner's to notice; `is_ready` says whether a letter may be
    handed in.
    """

    __slots__ = (
        "_awaited",
        "_events",
        "_is_closed",
        "_is_dirty",
        "_is_greeted",
        "_is_ready",
        "_letter",
        "_login",
        "_outgoing",
        "_password",
        "_reader",
        "_settled",
        "offers",
    )

    def __init__(self, login: str, password: str) -> None:
        self.offers = Offers()
        self._login = login
        self._password = password
        self._reader = ReplyReader()
        self._awaited: deque[_Step] = deque([self._greeted])
        self._events: list[Event] = []
        self._outgoing: list[bytes] = []
        self._is_closed = False
        self._is_ready = False
        self._is_greeted = False
        self._is_dirty = False  # a transaction was begun and may stand open there
        self._letter: Envelope | None = None
        self._settled: list[FarReply | None] = []  # of the letter's recipients; None: taken so far

    def __repr__(self) -> str:
        return "SmtpClient()"

    @property
    def is_ready(self) -> bool:
        """A letter may be handed in, or the session ended in order."""
        return self._is_ready

    def receive(self, octets: bytes) -> None:
        """Take what came from the service, cut anywhere."""
        if not self._is_closed:
            self._reader.feed(octets)

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
                reply = self._reader.next_reply()
                if reply is None:
                    return Signal.NEED_DATA
                self._take(reply)
            except PeerViolation:
                self._close()
                raise
        return self._events.pop(0)

    def submit(self, letter: Envelope) -> None:
        """Hand a letter in; Answered follows. Raises Misuse unless it is time for one."""
        if not self._is_ready:
            raise Misuse("no letter may be handed in now")
        refusal = self._refusal(letter)
        if refusal is not None:
            self._events.append(Answered((refusal,) * len(letter.recipients)))
            return
        self._is_ready = False
        self._letter = letter
        self._settled = [None] * len(letter.recipients)
        if self._is_dirty:
            self._say(b"RSET\r\n", self._ignore)
        self._is_dirty = True
        self._say(letter.mail(self.offers), self._mail_answered)
        if self.offers.pipelining:
            self._address_all(letter)
            self._say(b"DATA\r\n", self._data_answered)

    def quit(self) -> None:
        """End the session in order; its answer is not waited for. Raises Misuse."""
        if not self._is_ready:
            raise Misuse("an answer is awaited")
        self._outgoing.append(b"QUIT\r\n")
        self._close()

    # One method for each reply.

    def _take(self, reply: FarReply) -> None:
        if not self._awaited and reply.code != 421:
            raise PeerViolation("a reply to nothing")
        if reply.code == 421:
            self._part(reply)
        else:
            self._awaited.popleft()(reply)

    def _part(self, reply: FarReply) -> None:
        """The service ends the session (RFC 5321 3.8): whatever was owed is put off."""
        if self._letter is not None:
            self._answer(reply)
        elif not self._is_ready:
            stage = Stage.LOGIN if self._is_greeted else Stage.GREETING
            self._events.append(TurnedAway(stage, reply))
        self._close()

    def _greeted(self, reply: FarReply) -> None:
        if reply.code != 220:
            self._turn_away(Stage.GREETING, reply)
            return
        self._is_greeted = True
        self._say(b"EHLO %s\r\n" % EHLO_NAME, self._introduced)

    def _introduced(self, reply: FarReply) -> None:
        if reply.code != 250:
            self._turn_away(Stage.HELLO, reply)
            return
        self.offers = read_offers(reply)
        if "PLAIN" in self.offers.mechanisms:
            response = f"\0{self._login}\0{self._password}".encode()
            self._say(b"AUTH PLAIN %s\r\n" % encode_base64(response), self._logged_in)
        elif "LOGIN" in self.offers.mechanisms:
            self._say(b"AUTH LOGIN\r\n", self._asked_login)
        else:
            self._be_ready()  # it wants to know nobody, so it is told nothing

    def _asked_login(self, reply: FarReply) -> None:
        if reply.code != 334:
            self._logged_in(reply)
            return
        self._say(encode_base64(self._login.encode()) + b"\r\n", self._asked_password)

    def _asked_password(self, reply: FarReply) -> None:
        if reply.code != 334:
            self._logged_in(reply)
            return
        self._say(encode_base64(self._password.encode()) + b"\r\n", self._logged_in)

    def _logged_in(self, reply: FarReply) -> None:
        if reply.code != 235:
            self._turn_away(Stage.LOGIN, reply)
            return
        self._be_ready()

    def _ignore(self, _reply: FarReply) -> None:
        return

    def _mail_answered(self, reply: FarReply) -> None:
        letter = self._current
        if not reply.is_positive:
            self._settled = [reply] * len(letter.recipients)
            if not self.offers.pipelining:
                self._answer(reply)
        elif not self.offers.pipelining:
            self._address(letter, 0)

    def _address_all(self, letter: Envelope) -> None:
        for at in range(len(letter.recipients)):
            self._address(letter, at)

    def _address(self, letter: Envelope, at: int) -> None:
        self._say(letter.rcpt(letter.recipients[at]), lambda reply: self._rcpt_answered(at, reply))

    def _rcpt_answered(self, at: int, reply: FarReply) -> None:
        letter = self._current
        if not reply.is_positive and self._settled[at] is None:
            self._settled[at] = reply
        if self.offers.pipelining:
            return
        if at + 1 < len(letter.recipients):
            self._address(letter, at + 1)
        elif None in self._settled:
            self._say(b"DATA\r\n", self._data_answered)
        else:
            self._answer(reply)

    def _data_answered(self, reply: FarReply) -> None:
        if reply.code != 354:
            if reply.is_positive:
                raise PeerViolation("DATA was answered with neither 354 nor a refusal")
            self._answer(reply)
            return
        stuffer = DotStuffer()
        if None in self._settled:
            self._outgoing.append(stuffer.stuff(self._current.content))
        # RFC 2920 3.1: a server that takes DATA for nobody is given an empty message.
        self._say(stuffer.end(), self._content_answered)

    def _content_answered(self, reply: FarReply) -> None:
        self._is_dirty = False
        self._answer(reply)

    # What the methods share.

    @property
    def _current(self) -> Envelope:
        assert self._letter is not None  # noqa: S101 - steps of a letter are awaited with it only
        return self._letter

    def _say(self, octets: bytes, step: _Step) -> None:
        self._outgoing.append(octets)
        self._awaited.append(step)

    def _answer(self, reply: FarReply) -> None:
        """Settle the letter: whoever was not answered for himself gets `reply`."""
        self._events.append(Answered(tuple(each or reply for each in self._settled)))
        self._letter = None
        self._is_ready = True

    def _be_ready(self) -> None:
        self._is_ready = True
        self._events.append(Ready())

    def _turn_away(self, stage: Stage, reply: FarReply) -> None:
        self._events.append(TurnedAway(stage, reply))
        self._close()

    def _refusal(self, letter: Envelope) -> FarReply | None:
        limit = self.offers.size_octets
        if limit is not None and len(letter.content) > limit:
            return TOO_LARGE
        return NO_UTF8 if letter.needs_utf8 and not self.offers.utf8 else None

    def _close(self) -> None:
        self._is_closed = True
        self._is_ready = False
        self._awaited.clear()
