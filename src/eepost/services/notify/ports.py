# SPDX-License-Identifier: Apache-2.0
"""What the notifier needs of the world: streams to one IRC server."""

import asyncio
from collections.abc import Awaitable
from typing import Protocol


class ServerAway(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The server can't be reached; trying again makes sense after `retry_seconds`."""

    def __init__(self, retry_seconds: float) -> None:
        super().__init__("the IRC server can't be reached")
        self.retry_seconds = retry_seconds


class Stream(Protocol):
    """An open stream."""

    @property
    def reader(self) -> asyncio.StreamReader:
        """What the server says."""

    @property
    def writer(self) -> asyncio.StreamWriter:
        """What is said to it."""

    def close(self) -> Awaitable[None]:
        """Drop the stream at once."""


class Server(Protocol):
    """The IRC server, as far away as it is."""

    def opened(self) -> Awaitable[Stream]:
        """Return a new stream. Raises ServerAway, also while a pause is not over yet."""

    def ended(self, *, is_well: bool) -> None:
        """Note that a stream ended; the pause after it grows unless the server `is_well`."""
