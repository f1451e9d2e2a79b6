# SPDX-License-Identifier: Apache-2.0
"""What may lie between a letterbox and its service: a slow way, or somebody who is no service."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Stand:
    """A port on loopback, served by a script in a thread of its own; use it as a context."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._begun = threading.Event()
        self._stopping = asyncio.Event()
        self._meetings: set[asyncio.Task[None]] = set()
        self.opened = 0
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._begun.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._begun.set()
        await self._stopping.wait()
        server.close()
        for meeting in tuple(self._meetings):
            meeting.cancel()
        if self._meetings:
            await asyncio.wait(self._meetings)
        await asyncio.sleep(0)  # what was aborted is closed in the loop's next turn

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        meeting = asyncio.current_task()
        assert meeting is not None
        self._meetings.add(meeting)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._script(reader, writer)
        finally:
            self._meetings.discard(meeting)
            writer.transport.abort()


def slow_way(target_port: int, delay_seconds: float) -> Stand:
    """Return a way on which everything takes so long, each way; nothing waits for another."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target_port)
        try:
            await asyncio.gather(
                _later(reader, far_writer, delay_seconds), _later(far_reader, writer, delay_seconds)
            )
        finally:
            far_writer.transport.abort()

    return Stand(relay)


async def _later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    loop = asyncio.get_running_loop()
    while chunk := await reader.read(65_536):
        loop.call_later(delay, writer.write, chunk)
    await asyncio.sleep(delay)
    writer.close()


def saying(*pieces: bytes, then: str = "close") -> Stand:
    """Return somebody who says one piece for each that he hears, and the first unasked.

    Then he closes, is `silent`, or says the last piece `for ever`.
    """

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for at, piece in enumerate(pieces):
            if at:
                await reader.read(65_536)
            writer.write(piece)
            await writer.drain()
        while then == "for ever":
            writer.write(pieces[-1])
            await writer.drain()
        if then == "silent":
            await reader.read(-1)

    return Stand(say)
