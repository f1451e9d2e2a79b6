# SPDX-License-Identifier: Apache-2.0
"""A bounded number of workers, each with one message at a time; what goes wrong ends that worker.

A worker cleans the mail of one owner only, and then ends: what takes a worker over by one message
sees no other's. Where no owner is known every message has a worker of its own.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from eepost.sanitise.cleaner import CleaningFailed, Why
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.workers.answers import Fault, Unreadable
from eepost.workers.line import Line, LineFull
from eepost.workers.remote import RemoteWorker
from eepost.workers.starter import NoForkserver, Starter

# A client waits ten minutes for the answer to its message (RFC 5321 4.5.3.2.6).
WAIT_SECONDS = 120.0
# How long a worker waits for its owner's next message; meanwhile it holds memory, 10 MB or so.
IDLE_SECONDS = 10.0
# After which a worker ends: large messages leave holes in its memory, many leave what libraries
# never give back. A new one costs some milliseconds.
MAX_MESSAGES = 100
MAX_OCTETS = 4_194_304


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the pool allows; each with its reason stands in the settings."""

    count: int
    seconds: float
    waiting: int


@dataclass(slots=True)
class Counts:
    """What the pool has done; numbers only."""

    cleaned: int = 0
    started: int = 0
    failed: dict[Why, int] = field(default_factory=lambda: dict.fromkeys(Why, 0))


class Pool:
    """Gives jobs to workers. All calls from one event loop's thread."""

    def __init__(
        self, starter: Starter, bounds: Bounds, note: Callable[[Why, Fault | None], None]
    ) -> None:
        """Start workers by `starter` as they are needed; tell `note` of each failure."""
        self.counts = Counts()
        self._starter = starter
        self._bounds = bounds
        self._note = note
        self._line = Line(bounds.count, bounds.waiting)
        self._workers: set[RemoteWorker] = set()
        self._idle: list[RemoteWorker] = []  # who was used last is last

    async def clean(
        self, job: bytes, message: bytes | bytearray, whose: str | None
    ) -> Sanitised | Refused:
        """Return what a worker makes of `message`. Raises CleaningFailed."""
        owner = whose or ""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._line.take(owner)
        except (LineFull, TimeoutError):
            self._fail(Why.BUSY)
        try:
            return await self._ask(job, message, owner)
        finally:
            self._line.give()

    async def _ask(self, job: bytes, message: bytes | bytearray, owner: str) -> Sanitised | Refused:
        worker = self._take(owner)
        is_sound = False
        try:
            async with asyncio.timeout(self._bounds.seconds):
                answer = await worker.ask(job, message)
            is_sound = not isinstance(answer, Fault)
        except TimeoutError:
            self._fail(Why.TIME)
        except (OSError, EOFError, Unreadable):
            self._fail(Why.DIED)
        finally:
            if is_sound:
                self._keep(worker)
            else:
                self._end(worker)  # also where whoever waited was cut off
        if isinstance(answer, Fault):
            self._fail(Why.FAULT, answer)
        self.counts.cleaned += 1
        return answer

    def _fail(self, why: Why, fault: Fault | None = None) -> NoReturn:
        self.counts.failed[why] += 1
        self._note(why, fault)
        raise CleaningFailed(why) from None

    def _take(self, owner: str) -> RemoteWorker:
        for worker in reversed(self._idle):
            if worker.whose == owner:
                self._wake(worker)
                if worker.is_alive:
                    return worker
                self._end(worker)
                break
        while len(self._workers) >= self._bounds.count and self._idle:
            self._end(self._idle[0])
        try:
            number, stream = self._starter.start()
        except NoForkserver:
            self._fail(Why.ABSENT)
        worker = RemoteWorker(number, stream, owner)
        self._workers.add(worker)
        self.counts.started += 1
        return worker

    def _keep(self, worker: RemoteWorker) -> None:
        if not worker.whose or worker.messages >= MAX_MESSAGES or worker.octets >= MAX_OCTETS:
            self._end(worker)
            return
        loop = asyncio.get_running_loop()
        worker.retirement = loop.call_later(IDLE_SECONDS, self._end, worker)
        self._idle.append(worker)

    def _wake(self, worker: RemoteWorker) -> None:
        self._idle.remove(worker)
        if worker.retirement is not None:
            worker.retirement.cancel()

    def _end(self, worker: RemoteWorker) -> None:
        if worker in self._idle:
            self._wake(worker)
        self._workers.discard(worker)
        self._starter.end(worker.number)
        # In the loop's next turn: a call that was cut off lets go of the socket's number only then.
        asyncio.get_running_loop().call_soon(worker.stream.close)

    def stop(self) -> None:
        """End all workers; messages that are in them fail."""
        for worker in tuple(self._idle):
            self._end(worker)
        for worker in self._workers:
            self._starter.end(worker.number)  # whoever waits for it sees its end
