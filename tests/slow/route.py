# SPDX-License-Identifier: Apache-2.0
"""A route like I2P's: seconds there and back, octets cut apart anywhere, stalls.

It stands as a proxy between a client and a port, keeps the order of octets, and counts turns: how
often the client had to wait for the far side before it could go on.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle

READ_OCTETS = 65_536


@dataclass
class Route:
    """How slow the route is, and what was seen on it."""

    one_way_seconds: float = 0.0
    # Sizes in which octets come out, again and again; (1,) splits at every octet.
    pieces: tuple[int, ...] = (READ_OCTETS,)
    # After so many octets in one direction the route stands still once, for so long.
    stall_after_octets: int = 0
    stall_seconds: float = 0.0
    turns: int = 0
    stalls: int = 0
    writes: int = 0
    _is_up: bool = False

    def seen(self, *, up: bool) -> None:
        """Count a turn when the far side begins to speak after the client did."""
        self.turns += self._is_up and not up
        self._is_up = up


@asynccontextmanager
async def routed(route: Route, port: int) -> AsyncIterator[int]:
    """Yield the port at which `port` is reached over the route."""
    tasks: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        both = (_carry(route, reader, far_writer, up=True), _carry(route, far_reader, writer))
        try:
            await asyncio.gather(*both)
        except ConnectionError:
            pass
        finally:
            far_writer.transport.abort()
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(one(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _carry(
    route: Route, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool = False
) -> None:
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    delivering = loop.create_task(_deliver(route, waiting, writer))
    octets = b"x"
    while octets:
        octets = await reader.read(READ_OCTETS)
        if octets:
            route.seen(up=up)
        waiting.put_nowait((loop.time() + route.one_way_seconds, octets))
    await delivering


async def _deliver(
    route: Route, waiting: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter
) -> None:
    loop = asyncio.get_running_loop()
    passed, sizes, may_stall = 0, cycle(route.pieces), route.stall_seconds > 0
    while True:
        due, octets = await waiting.get()
        await asyncio.sleep(max(0.0, due - loop.time()))
        if not octets:
            writer.close()
            return
        while octets:
            size = next(sizes)
            writer.write(octets[:size])
            passed, octets = passed + size, octets[size:]
            route.writes += 1
            await writer.drain()
            if len(route.pieces) > 1 or route.pieces[0] < READ_OCTETS:
                await asyncio.sleep(0)  # lets the piece leave alone
            if may_stall and passed > route.stall_after_octets:
                may_stall = False
                route.stalls += 1
                await asyncio.sleep(route.stall_seconds)
