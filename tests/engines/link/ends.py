# SPDX-License-Identifier: Apache-2.0
"""Two ends of a link, and a wire between them that may cut what passes anywhere."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from eepost.mail.violation import PeerViolation
from eepost.wire.link.engine import Link
from eepost.wire.link.events import Decision, Event, Proven
from eepost.wire.link.pairing import Pairing, Role, Side
from eepost.wire.link.proof import Seat
from eepost.wire.signals import Signal

CORE = Side(Role.CORE, b"\xc0" * 32)
GATEWAY = Side(Role.GATEWAY, b"\x6a" * 32)
PAIRING = Pairing(own=CORE, other=GATEWAY, secret=bytes(range(32)))
MIRRORED = PAIRING.mirrored()


def dialler(pairing: Pairing = PAIRING, seed: int = 1) -> Link:
    return Link(pairing, Seat.DIALLER, bytes([seed]) * 32)


def answerer(pairing: Pairing = MIRRORED, seed: int = 2) -> Link:
    return Link(pairing, Seat.ANSWERER, bytes([seed]) * 32)


@dataclass
class End:
    """An engine with an owner that admits whoever has proven himself."""

    link: Link
    decision: Decision = Decision.ADMIT
    told: list[Event] = field(default_factory=list)
    is_refused: bool = False

    def take(self, octets: bytes) -> bytes:
        """Feed the engine, serve its events, return what it sends."""
        self.link.receive(octets)
        self.serve()
        return self.link.outgoing()

    def serve(self) -> None:
        try:
            while not isinstance(event := self.link.next_event(), Signal):
                self.told.append(event)
                if isinstance(event, Proven):
                    self.link.decide(self.decision)
        except PeerViolation:
            self.is_refused = True

    @property
    def is_closed(self) -> bool:
        return self.link.next_event() is Signal.CLOSED


def pieces(octets: bytes, size: int) -> Iterable[bytes]:
    return (octets[at : at + size] for at in range(0, len(octets), size))


def converse(one: End, two: End, size: int = 1 << 20) -> tuple[bytes, bytes]:
    """Carry octets both ways, `size` at a time, until both are quiet; return all that passed."""
    passed = (bytearray(), bytearray())
    waiting = [one.take(b""), two.take(b"")]
    while any(waiting):
        for here, there in ((0, 1), (1, 0)):
            octets, waiting[here] = waiting[here], b""
            passed[here].extend(octets)
            for piece in pieces(octets, size):
                waiting[there] += (two, one)[here].take(piece)
    return bytes(passed[0]), bytes(passed[1])


def open_pair(size: int = 1 << 20) -> tuple[End, End]:
    one, two = End(dialler()), End(answerer())
    converse(one, two, size)
    assert one.told == two.told == [Proven()]
    one.told.clear()
    two.told.clear()
    return one, two
