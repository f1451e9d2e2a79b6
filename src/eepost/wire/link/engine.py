# SPDX-License-Identifier: Apache-2.0
"""One end of a link between core and gateway: mutual proof first, then records.

    answerer   link/1 <challenge>            as soon as the stream is open
    dialler    <challenge> <proof>
    answerer   <proof>                       only to a dialler who has proven himself
    both       frames (see `records`)

Lines end in CRLF and hold lower-case hexadecimal. The answerer speaks first, so that a dialler
notices a tunnel that leads nowhere, and says nothing that tells who it is. Whatever is wrong, in
whichever way, has one outcome: the stream closes without a word.

Trust: any process on either machine can reach the port; only the secret counts.
"""

import re
from collections.abc import Callable
from enum import Enum, auto
from hmac import compare_digest

from eepost.mail.violation import Misuse, PeerViolation
from eepost.wire.lines import LineBuffer
from eepost.wire.link.events import Cut, Decision, Ended, Event, Proven, RecordGiven
from eepost.wire.link.pairing import Pairing
from eepost.wire.link.proof import Seat, challenge, proof, record_key, transcript
from eepost.wire.link.records import REFUSED, Opener, Sealer
from eepost.wire.signals import Signal

# The longest line of the dialogue has 131 octets.
LINE_OCTETS = 160

_HELLO = re.compile(rb"link/1 ([0-9a-f]{64})")
_ANSWER = re.compile(rb"([0-9a-f]{64}) ([0-9a-f]{64})")
_PROOF = re.compile(rb"([0-9a-f]{64})")


class _State(Enum):
    HELLO = auto()  # dialler: waits for the answerer's challenge
    ANSWER = auto()  # answerer: waits for the dialler's challenge and proof
    PROOF = auto()  # dialler: waits for the answerer's proof
    PROVEN = auto()  # waits for the owner's decision
    OPEN = auto()
    CLOSED = auto()


class Link:
    """A link's engine; see `eepost.wire.link.events` for what `next_event` gives."""

    _sealer: Sealer  # these two are there from Proven on
    _opener: Opener

    def __init__(
        self, pairing: Pairing, seat: Seat, random_octets: bytes, *others: Pairing
    ) -> None:
        """Take a seat. `random_octets`: 32 from a good source, used for this link only.

        `others`: whom else an answerer is paired with; which of them dials, only the proof tells.
        """
        if others and seat is Seat.DIALLER:
            raise Misuse("a dialler knows whom it dials")
        self._pairings = (pairing, *others)
        self._pairing = pairing
        self._seat = seat
        self._challenge = challenge(random_octets)
        self._incoming = LineBuffer()
        self._outgoing = bytearray()
        self._has_eof = self._has_finished = self._has_ended = False
        self._transcript = self._their_challenge = b""
        if seat is Seat.ANSWERER:
            self._state = _State.ANSWER
            self._say(b"link/1 " + _hex(self._challenge.octets))
        else:
            self._state = _State.HELLO
        self._steps: dict[_State, Callable[[], Event | Signal | None]] = {
            _State.HELLO: self._take_hello,
            _State.ANSWER: self._take_answer,
            _State.PROOF: self._take_proof,
            _State.PROVEN: Proven,
            _State.OPEN: self._take_record,
            _State.CLOSED: lambda: Signal.CLOSED,
        }

    @property
    def pairing(self) -> Pairing:
        """The pairing that was proven; before that, nothing to rely on."""
        return self._pairing

    @property
    def is_open(self) -> bool:
        """Records may be sent: admitted, not finished, and the stream has not broken."""
        return self._state is _State.OPEN and not self._has_finished

    def receive(self, octets: bytes) -> None:
        """Take what came from the stream."""
        if self._state is not _State.CLOSED:
            self._incoming.feed(octets)

    def receive_eof(self) -> None:
        """Take that nothing more comes."""
        self._has_eof = True

    def next_event(self) -> Event | Signal:
        """Return an event or a Signal. Raises PeerViolation once, when the other side is wrong."""
        try:
            while True:
                event = self._steps[self._state]()
                if event is not None:
                    return event
        except PeerViolation:
            self._close()
            raise

    def decide(self, decision: Decision) -> None:
        """Answer Proven. Raises Misuse where nothing was asked."""
        if self._state is not _State.PROVEN:
            raise Misuse("nothing was asked")
        if decision is Decision.TURN_AWAY:
            self._close()
            return
        if self._seat is Seat.ANSWERER:
            self._say(_hex(self._proof_of(self._seat)))
        self._state = _State.OPEN

    def send(self, octets: bytes) -> None:
        """Send `octets` to the other side. Raises Misuse before it is admitted and after finish."""
        if octets:
            self._outgoing += self._sending().seal(octets)

    def finish(self) -> None:
        """Say that we have sent all; the link closes when the other side has said so too."""
        self._outgoing += self._sending().seal(b"")
        self._has_finished = True
        self._close_when_both_are_done()

    def outgoing(self) -> bytes:
        """Return what has to be sent now, and forget it."""
        octets = bytes(self._outgoing)
        self._outgoing.clear()
        return octets

    # The dialogue.

    def _take_hello(self) -> Signal | None:
        fields = self._line(_HELLO)
        if fields is None:
            return self._wait()
        self._bind(fields[0])
        self._say(_hex(self._challenge.octets) + b" " + _hex(self._proof_of(self._seat)))
        self._state = _State.PROOF
        return None

    def _take_answer(self) -> Signal | None:
        fields = self._line(_ANSWER)
        if fields is None:
            return self._wait()
        self._find(fields[0], fields[1])
        self._check(fields[1])
        return None

    def _take_proof(self) -> Signal | None:
        fields = self._line(_PROOF)
        if fields is None:
            return self._wait()
        self._check(fields[0])
        return None

    def _find(self, their_challenge: bytes, given: bytes) -> None:
        # All are tried, so that time tells nobody how many there are or which one it was.
        found = self._pairing
        for each in self._pairings:
            self._pairing = each
            self._bind(their_challenge)
            if compare_digest(given, self._proof_of(self._seat.opposite)):
                found = each
        self._pairing = found
        self._bind(their_challenge)

    def _bind(self, their_challenge: bytes) -> None:
        self._their_challenge = their_challenge
        own = self._challenge.octets
        self._transcript = transcript(self._pairing, self._seat, own, their_challenge)

    def _check(self, given: bytes) -> None:
        if not compare_digest(given, self._proof_of(self._seat.opposite)):
            raise PeerViolation(REFUSED)
        self._derive_keys()
        self._state = _State.PROVEN

    def _proof_of(self, seat: Seat) -> bytes:
        return proof(self._pairing.secret, seat, self._transcript)

    def _derive_keys(self) -> None:
        # Not before the proof: a stranger could make us compute for nothing.
        try:
            common = self._challenge.agree(self._their_challenge)
        except ValueError:
            raise PeerViolation(REFUSED) from None
        secret, heard = self._pairing.secret, self._transcript
        self._sealer = Sealer(record_key(secret, self._seat, heard, common))
        self._opener = Opener(record_key(secret, self._seat.opposite, heard, common))

    # Records.

    def _take_record(self) -> Event | Signal:
        if self._has_ended:
            if len(self._incoming):
                raise PeerViolation(REFUSED)  # nothing comes after an end
            return self._wait()
        record = self._opener.take(self._incoming)
        if record is None:
            return self._cut() if self._has_eof else Signal.NEED_DATA
        if record:
            return RecordGiven(record)
        self._has_ended = True
        self._close_when_both_are_done()
        return Ended()

    def _cut(self) -> Event:
        self._close()
        return Cut()

    def _sending(self) -> Sealer:
        if not self.is_open:
            raise Misuse("the link is not open for sending")
        return self._sealer

    def _close_when_both_are_done(self) -> None:
        if self._has_finished and self._has_ended:
            self._state = _State.CLOSED

    # Both.

    def _line(self, pattern: re.Pattern[bytes]) -> list[bytes] | None:
        line = self._incoming.take_line(LINE_OCTETS)
        if line is None:
            return None
        fields = pattern.fullmatch(line) if isinstance(line, bytes) else None
        if fields is None:
            raise PeerViolation(REFUSED)
        return [bytes.fromhex(field.decode("ascii")) for field in fields.groups()]

    def _wait(self) -> Signal:
        if not self._has_eof:
            return Signal.NEED_DATA
        self._close()
        return Signal.CLOSED

    def _say(self, line: bytes) -> None:
        self._outgoing += line + b"\r\n"

    def _close(self) -> None:
        self._state = _State.CLOSED
        self._outgoing.clear()


def _hex(octets: bytes) -> bytes:
    return octets.hex().encode("ascii")
