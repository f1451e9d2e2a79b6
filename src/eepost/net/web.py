# SPDX-License-Identifier: Apache-2.0
"""Serves a web application on a loopback address.

Trust: anybody who can reach the port; requests are bounded before the application sees them.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from eepost.net.listeners import BACKLOG, Endpoint, loopback_socket

# Requests at once. Pages cost a millisecond; what waits longer waits for Argon2.
MAX_REQUESTS = 500
# A line and all fields of a request; ours are under 2 kB.
MAX_HEAD_OCTETS = 16_384
# A browser over I2P asks for the next page within this; a new stream would cost it seconds.
KEEP_ALIVE_SECONDS = 60


class WebServer:
    """One application on one port. `application` satisfies ASGI."""

    def __init__(self, application: Any, stop_seconds: int = 5) -> None:
        self._server = _Server(
            uvicorn.Config(
                application,
                http="h11",
                ws="none",
                lifespan="off",
                loop="none",
                log_config=None,  # it would log addresses and paths
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                limit_concurrency=MAX_REQUESTS,
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
