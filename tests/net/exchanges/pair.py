# SPDX-License-Identifier: Apache-2.0
"""Both seats of a stream, in memory or over loopback, for tests of what passes between them."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from eepost.net.exchanges.answerer import Answerer, Responses
from eepost.net.exchanges.asker import Asker
from eepost.net.exchanges.stream import Bounds, Stream
from eepost.net.link import LinkCut, LinkStream
from eepost.wire.link.engine import Link
from eepost.wire.link.proof import Seat
from eepost.wire.transfer.messages import AskRecipient, Incoming, Relay
from eepost.wire.transit import Transit
from tests.engines.link.ends import MIRRORED, PAIRING

# Content that a stream in memory holds before its sender has to wait.
PIPE_OCTETS = 100_000


class Pipe:
    """One end of a stream in memory."""

    def __init__(self) -> None:
        self.other: Pipe = self
        self.waiting: list[bytes] = []
        self.sent: list[bytes] = []
        self.has_ended = self.is_cut = self.stands_still = False
        self.changed = asyncio.Event()

    async def send(self, octets: bytes) -> None:
        while self.other.held() > PIPE_OCTETS and not self.is_cut:
            await self._change()
        if self.is_cut:
            raise ConnectionResetError
        self.put(octets)

    def put(self, octets: bytes) -> None:
        self.sent.append(octets)
        self.other.waiting.append(octets)
        self.tell()

    async def receive(self) -> bytes:
        while not self.waiting or self.stands_still:
            if self.is_cut:
                raise LinkCut
            if self.has_ended:
                return b""
            await self._change()
        octets = self.waiting.pop(0)
        self.tell()
        return octets

    async def finish(self) -> None:
        self.other.has_ended = True
        self.tell()

    def close(self) -> None:
        self.is_cut = self.other.is_cut = True
        self.tell()

    def held(self) -> int:
        return sum(map(len, self.waiting))

    def tell(self) -> None:
        for each in (self, self.other):
            each.changed.set()

    async def _change(self) -> None:
        self.changed.clear()
        await self.changed.wait()


def pipes() -> tuple[Pipe, Pipe]:
    one, two = Pipe(), Pipe()
    one.other, two.other = two, one
    return one, two


@asynccontextmanager
async def links() -> AsyncIterator[tuple[LinkStream, LinkStream]]:
    """Two ends of a proven link over real sockets."""
    ends = []
    pairs = zip(socket.socketpair(), (PAIRING, MIRRORED), Seat, strict=True)
    for number, (sock, pairing, seat) in enumerate(pairs):
        reader, writer = await asyncio.open_connection(sock=sock)
        ends.append(LinkStream(reader, writer, Link(pairing, seat, bytes([number + 1]) * 32)))
    await asyncio.gather(*(end.prove(5) for end in ends))
    try:
        yield ends[0], ends[1]
    finally:
        for end in ends:
            end.close()
        await asyncio.sleep(0)


@dataclass
class Pair:
    """An asker, an answerer, and what went wrong while answering."""

    asker: Asker
    answerer: Answerer
    room: Transit
    running: list["asyncio.Task[None]"]
    faults: list[BaseException] = field(default_factory=list)

    async def ended(self) -> None:
        await asyncio.wait_for(asyncio.gather(*self.running), 5)


@asynccontextmanager
async def pair(
    responses: Responses,
    bounds: Bounds | None = None,
    room_octets: int = 10_000_000,
    ends: tuple[Stream, Stream] | None = None,
) -> AsyncIterator[Pair]:
    """Run both seats until the test is through."""
    bounds = bounds or Bounds()
    here, there = ends or pipes()
    faults: list[BaseException] = []
    room = Transit(room_octets)
    asker = Asker(here, bounds)
    answerer = Answerer(there, bounds, responses, room, faults.append)
    running = [asyncio.create_task(asker.run()), asyncio.create_task(answerer.run())]
    try:
        yield Pair(asker, answerer, room, running, faults)
    finally:
        asker.close()
        await asyncio.wait_for(asyncio.gather(*running), 5)
        assert room.octets == 0, "all room is given back"


ID = bytes(range(16))


def relay(octets: int, recipients: int = 1) -> Relay:
    names = tuple(f"r{at}@far.example" for at in range(recipients))
    return Relay(0, ID, "alice@mail.example", names, octets)


def incoming(octets: int) -> Incoming:
    return Incoming(0, ID, "bob@far.example", ("alice@mail.i2p",), octets)


def knock(recipient: str = "alice@mail.i2p") -> AskRecipient:
    return AskRecipient(0, recipient, "bob@far.example", b"")
