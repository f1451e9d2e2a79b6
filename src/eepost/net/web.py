# SPDX-License-Identifier: Apache-2.0
"""Serves a web application on a loopback address.

Trust: anybody who can reach the port; requests are bounded before the application sees them, and
connections in number and time: who holds one without asking anything gives way to who comes.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from eepost.net.listeners import BACKLOG, Endpoint, loopback_socket

# A line and all fields of a request; ours are under 2 kB.
MAX_HEAD_OCTETS = 16_384
# A browser over I2P asks for the next page within this; a new stream would cost it seconds.
KEEP_ALIVE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Bounds:
    """What connections may take."""

    # Each costs some 50 kB. Pages cost a millisecond; what waits longer waits for Argon2.
    connections: int = 500
    # Of one known peer; browsers open six.
    connections_per_peer: int = 16
    # From the connection, or from the answer before, until a request has come with all its fields:
    # longer than KEEP_ALIVE_SECONDS, and time enough for an answer to go out on a slow route.
    ask_seconds: float = 120.0
    # From there until the answer has been given: a form may take two minutes to come.
    answer_seconds: float = 300.0


class WebServer:
    """One application on one port. `application` satisfies ASGI.

    `bucket` says what limits count the far end of a stream under, None where it is not known.
    """

    def __init__(
        self,
        application: Any,
        bucket: Callable[[object], bytes | None] = lambda _: None,
        bounds: Bounds | None = None,
        stop_seconds: int = 5,
    ) -> None:
        kept = bounds or Bounds()
        self._server = _Server(
            uvicorn.Config(
                application,
                http=type("Connection", (_Connection,), {"places": _Places(kept, bucket)}),
                ws="none",
                lifespan="off",
                loop="none",
                log_config=None,  # it would log addresses and paths
                log_level="critical",  # else anybody writes lines into the journal
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                # Connections are bounded below, those that were closed just now not yet gone.
                limit_concurrency=kept.connections * 2,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=stop_seconds,
                h11_max_incomplete_event_size=MAX_HEAD_OCTETS,
                backlog=BACKLOG,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self, endpoint: Endpoint) -> Endpoint:
        """Listen, and return where. Raises OSError, ValueError for what is not loopback."""
        listener = loopback_socket(endpoint)
        host, port = listener.getsockname()[:2]
        self._task = asyncio.get_running_loop().create_task(self._server.serve([listener]))
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise OSError("the web server ended at once")
            await asyncio.sleep(0.01)
        return Endpoint(host, port)

    async def stop(self) -> None:
        """Finish what is open and close the port."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the program."""
        yield


@dataclass(slots=True)
class _Places:
    """All connections of one server."""

    bounds: Bounds
    bucket: Callable[[object], bytes | None]
    opened: int = 0
    by_peer: dict[bytes, int] = field(default_factory=dict)
    # Those that wait for their peer, in the order in which they began to.
    waiting: dict["_Connection", None] = field(default_factory=dict)

    def enter(self, peer: bytes | None) -> bool:
        """Count a connection; False where its peer has too many."""
        self.opened += 1
        if peer is None:
            return True
        self.by_peer[peer] = self.by_peer.get(peer, 0) + 1
        return self.by_peer[peer] <= self.bounds.connections_per_peer

    def leave(self, connection: "_Connection", peer: bytes | None) -> None:
        """Count a connection no more."""
        self.opened -= 1
        self.waiting.pop(connection, None)
        if peer is not None:
            self.by_peer[peer] -= 1
            if not self.by_peer[peer]:
                del self.by_peer[peer]

    def make_room(self) -> None:
        """Let who has waited longest give way where there are too many; the newest waits too."""
        if self.opened > self.bounds.connections:
            next(iter(self.waiting)).give_way()


class _Connection(H11Protocol):
    """The library's protocol, with an end to every wait for the peer."""

    places: _Places
    _peer: bytes | None = None
    _end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._peer = self.places.bucket(transport.get_extra_info("peername"))
        if not self.places.enter(self._peer):
            transport.abort()
            return
        self._wait(self.places.bounds.ask_seconds)
        self.places.make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.places.leave(self, self._peer)
        if self._end is not None:
            self._end.cancel()

    def handle_events(self) -> None:
        before: RequestResponseCycle | None = self.cycle
        super().handle_events()
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not before:
            self._wait(self.places.bounds.answer_seconds)
        if cycle is not None and not (cycle.more_body or cycle.response_complete):
            self.places.waiting.pop(self, None)  # for us now, not for its peer

    def on_response_complete(self) -> None:
        self._wait(self.places.bounds.ask_seconds)
        super().on_response_complete()

    def give_way(self) -> None:
        """End at once, for somebody else."""
        self.places.waiting.pop(self, None)
        self.transport.abort()

    def _wait(self, seconds: float) -> None:
        self.places.waiting.pop(self, None)
        self.places.waiting[self] = None
        if self._end is not None:
            self._end.cancel()
        self._end = self.loop.call_later(seconds, self.give_way)
