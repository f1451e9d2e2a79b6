# SPDX-License-Identifier: Apache-2.0
"""Takes streams of paired peers on a loopback port and answers what they ask.

Trust: any process on this machine can reach the port; until a stream has proven itself it gets
one line, a deadline and nothing else.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from eepost.net.connect import READER_LIMIT_OCTETS
from eepost.net.exchanges.answerer import Answerer, Responses, Room
from eepost.net.exchanges.stream import Bounds
from eepost.net.link import LinkStream, NotProven
from eepost.net.listeners import Endpoint, bound_endpoint, listen
from eepost.net.peers import Resolver, resolve
from eepost.wire.link.engine import Link
from eepost.wire.link.pairing import Pairing
from eepost.wire.link.proof import Seat

# Streams at once that have not proven themselves yet; peers are few and dial seldom.
MAX_STRANGERS = 32
# Streams of one peer. One that died without a word stays until its silence is noticed, and the
# peer has dialled again long before.
MAX_STREAMS = 4


@dataclass(frozen=True, slots=True)
class Desk:
    """What is answered, to whom. `pairings` gives those of now: it is asked for each stream.

    `room` gives what a peer may fill, the same for all its streams.
    """

    pairings: Callable[[], Sequence[Pairing]]
    responses: Callable[[Pairing], Responses]
    room: Callable[[Pairing], Room]
    bounds: Bounds
    fault: Callable[[BaseException], None]
    random_octets: Callable[[int], bytes]
    prove_seconds: float = 90.0


@dataclass(slots=True)
class ListenerCounts:
    """What came to the port."""

    opened: int = 0
    not_proven: int = 0
    turned_away: int = 0


@dataclass(slots=True, eq=False)
class LinkListener:
    """A port for links."""

    desk: Desk
    counts: ListenerCounts = field(default_factory=ListenerCounts)
    _server: asyncio.Server | None = None
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    _streams: dict[bytes, list[Answerer]] = field(default_factory=dict)
    _strangers: int = 0

    async def start(self, endpoint: Endpoint) -> Endpoint:
        """Listen, and return where. Raises OSError, ValueError (see `listen`)."""
        self._server = await listen(endpoint, self._protocol)
        return bound_endpoint(self._server)

    async def stop(self, grace_seconds: float) -> None:
        """Take no more streams, finish what is being answered, drop all."""
        if self._server is not None:
            self._server.close()
        answerers = [each for streams in self._streams.values() for each in streams]
        await asyncio.gather(*(each.drain(grace_seconds) for each in answerers))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def drop(self, pairing: Pairing, grace_seconds: float) -> None:
        """End the streams of a peer that is not paired any more."""
        streams = list(self._streams.get(pairing.secret, ()))
        await asyncio.gather(*(each.drain(grace_seconds) for each in streams))

    @property
    def open_streams(self) -> int:
        """How many proven streams there are."""
        return sum(map(len, self._streams.values()))

    def _protocol(self) -> asyncio.BaseProtocol:
        reader = asyncio.StreamReader(limit=READER_LIMIT_OCTETS)
        return asyncio.StreamReaderProtocol(reader, self._connected)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pairings = self.desk.pairings()
        if self._strangers >= MAX_STRANGERS or not pairings:
            self.counts.turned_away += 1
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer, pairings))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pairings: Sequence[Pairing],
    ) -> None:
        link = Link(pairings[0], Seat.ANSWERER, self.desk.random_octets(32), *pairings[1:])
        stream = LinkStream(reader, writer, link)
        self._strangers += 1
        try:
            await stream.prove(self.desk.prove_seconds)
        except NotProven:
            self.counts.not_proven += 1
            return
        finally:
            self._strangers -= 1
        if not _may_be(writer.get_extra_info("peername"), link.pairing):
            self.counts.not_proven += 1
            stream.close()
            return
        await self._answer(stream, link.pairing)

    async def _answer(self, stream: LinkStream, pairing: Pairing) -> None:
        desk = self.desk
        responses, room = desk.responses(pairing), desk.room(pairing)
        answerer = Answerer(stream, desk.bounds, responses, room, desk.fault)
        streams = self._streams.setdefault(pairing.secret, [])
        streams.append(answerer)
        self.counts.opened += 1
        try:
            if len(streams) > MAX_STREAMS:
                await streams[0].drain(0)
            await answerer.run()
        finally:
            streams.remove(answerer)
            if not streams:
                self._streams.pop(pairing.secret, None)


def _may_be(peername: object, pairing: Pairing) -> bool:
    """Whether the address that the router gave the stream speaks against the proven peer."""
    identity = resolve(peername, Resolver.MAPPED).identity
    return pairing.other.destination.startswith(identity)
