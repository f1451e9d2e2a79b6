# SPDX-License-Identifier: Apache-2.0
"""Runs a role until it is told to stop; the same for core and gateway."""

import asyncio
import gc
import resource
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from eepost.net.supervisor import tell
from eepost.observe.journal import Journal


class Role(Protocol):
    """What can be run."""

    journal: Journal

    async def start(self) -> None:
        """Open what is served."""

    async def stop(self) -> None:
        """End it gracefully; also where `start` failed half-way."""


R = TypeVar("R", bound=Role)


async def serve(role: R, announce: Callable[[R], Awaitable[None]]) -> None:
    """Run `role` until SIGTERM or SIGINT, then stop it gracefully."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    loop.set_exception_handler(lambda _, context: _note(role.journal, context))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        await role.start()
        _calm_collector()
        await _unless(stopping, announce(role))
        tell("READY=1")
        await stopping.wait()
    finally:
        tell("STOPPING=1")
        await role.stop()


async def _unless(stopping: asyncio.Event, telling: Awaitable[None]) -> None:
    """Wait for `telling`, which may take its time, unless we are to stop before."""
    told, stop = asyncio.ensure_future(telling), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait((told, stop), return_when=asyncio.FIRST_COMPLETED)
        if told.done():
            told.result()
    finally:
        for each in (told, stop):
            each.cancel()
        await asyncio.wait((told, stop))


def _calm_collector() -> None:
    """Let the garbage collector look less often, and never at what lives as long as the program.

    Sessions and messages leave no cycles behind; looking for some after every 700 objects took
    3.5 % of the CPU of a submission.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _note(journal: Journal, context: dict[str, Any]) -> None:
    """Write what nobody caught; asyncio's own handler would print its text."""
    error = context.get("exception")
    if isinstance(error, BaseException):
        journal.fault("event loop", error)
    else:
        journal.event("event loop complained")


def raise_file_limit(connections: int) -> None:
    """Ask for as many open files as the listeners may need, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + 256  # the store, the listeners, the event loop
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
