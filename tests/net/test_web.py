# SPDX-License-Identifier: Apache-2.0
"""Whoever holds connections to the portal without asking anything shuts nobody out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from eepost.net.listeners import Endpoint
from eepost.net.web import Bounds, WebServer

SIZE = [(b"content-length", b"4")]
QUESTION = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers once all of a request is there."""
    del scope
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": SIZE})
    await send({"type": "http.response.body", "body": b"here"})


@asynccontextmanager
async def serving(
    bounds: Bounds, bucket: Callable[[object], bytes | None] = lambda _: None
) -> AsyncIterator[Endpoint]:
    server = WebServer(application, bucket, bounds, stop_seconds=1)
    try:
        yield await server.start(Endpoint("127.0.0.1", 0))
    finally:
        for each in Visitor.all:
            each.writer.transport.abort()
        Visitor.all.clear()
        await server.stop()


class Visitor:
    """A connection that may say anything."""

    all: ClassVar[list["Visitor"]] = []

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.all.append(self)

    @classmethod
    async def at(cls, where: Endpoint) -> "Visitor":
        return cls(*await asyncio.open_connection(where.host, where.port))

    async def ask(self, octets: bytes = QUESTION) -> bool:
        """Return whether an answer comes."""
        self.writer.write(octets)
        try:
            return (await self.reader.readuntil(b"here")).startswith(b"HTTP/1.1 200")
        except (asyncio.IncompleteReadError, ConnectionError):
            return False

    async def is_dropped(self) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(1), 5) == b""
        except ConnectionError:
            return True


async def test_silence_and_half_a_request_end() -> None:
    async with serving(Bounds(ask_seconds=0.1, answer_seconds=0.2)) as where:
        silent, slow, form = [await Visitor.at(where) for _ in range(3)]
        slow.writer.write(QUESTION[:-2])
        form.writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab")
        assert [await each.is_dropped() for each in (silent, slow, form)] == [True] * 3


async def test_who_asks_stays_and_goes_on_asking() -> None:
    async with serving(Bounds(ask_seconds=1)) as where:
        visitor = await Visitor.at(where)
        for _ in range(3):
            await asyncio.sleep(0.5)
            assert await visitor.ask()
        assert await visitor.is_dropped()


async def test_silent_connections_give_way_to_newer_ones() -> None:
    async with serving(Bounds(connections=3)) as where:
        silent = [await Visitor.at(where) for _ in range(3)]
        for _ in range(3):
            visitor = await Visitor.at(where)
            assert await visitor.ask()
        assert [await each.is_dropped() for each in silent] == [True] * 3


async def test_one_peer_gets_some_connections_and_others_theirs() -> None:
    peers = iter([b"a", b"a", b"a", b"b", b"a"])
    async with serving(Bounds(connections_per_peer=2), lambda _: next(peers)) as where:
        first, second, third, other = [await Visitor.at(where) for _ in range(4)]
        assert await third.is_dropped()
        assert all([await each.ask() for each in (first, second, other)])
        first.writer.close()
        await first.writer.wait_closed()
        assert await (await Visitor.at(where)).ask()
