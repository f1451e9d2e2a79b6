# SPDX-License-Identifier: Apache-2.0
"""A Clamd as the core makes it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from eepost.net.clamd import Bounds, Clamd, Standing
from eepost.net.instream import Way

T = TypeVar("T")
BOUNDS = Bounds(message_octets=15_728_640, seconds=30, at_once=4)


def offload(work: Callable[[], T]) -> Awaitable[T]:
    """Run work on a thread."""
    return asyncio.get_running_loop().run_in_executor(None, work)


class Clock:
    """A clock that goes as told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def ignore(_: Standing) -> None:
    """Be told and do nothing."""


def scanner(
    way: Way,
    bounds: Bounds = BOUNDS,
    now: Callable[[], float] = time.monotonic,
    tell: Callable[[Standing], None] = ignore,
) -> Clamd:
    """Return a scanner at `way`."""
    return Clamd(way, bounds, offload, now, tell)
