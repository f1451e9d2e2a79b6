# SPDX-License-Identifier: Apache-2.0
"""The commit lane: one thread that commits everything that arrived during its last commit.

Duty: group commit. One transaction and one flush serve all who wait, and one call wakes them all.
A batch that fails is replayed item by item, so that a poisoned one fails alone. Must not know
what the work is; `Writer` does.

While one batch is flushed the next one collects. Where the last batch shows that many clients are
at it, the next is gathered for some milliseconds more: each batch costs a flush and some twenty
changes of thread whatever its size, and a client who comes alone never waits for that.
"""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from eepost.maildrop.ports import StoreUnavailable
from eepost.store.sqlite.work import Work

# Bounds of one transaction. 2 MiB take some 10 ms to write, and others wait for them.
MAX_BATCH_ITEMS = 256
MAX_BATCH_OCTETS = 2 * 1024 * 1024
# Bounds of what waits. 64 MiB are six messages of the largest size, or 15,000 of 4 kB; who comes
# later is asked to come again (451) before memory runs out.
MAX_WAITING_ITEMS = 16_384
MAX_WAITING_OCTETS = 64 * 1024 * 1024
RETRY_SCRUB_SECONDS = 1.0
# How long a batch is gathered for each item of the last one, and at most. Measured with 50 clients
# and 4 kB against no gathering: batches of 20 instead of 4, messages a second up by half, CPU for
# each down by a quarter. Longer than 5 ms, most of 50 clients wait here and the loop for them.
# A batch of 3 or more means that others are about to come.
GATHER_SECONDS_AN_ITEM = 0.000_25
MAX_GATHER_SECONDS = 0.005
CROWD_ITEMS = 3
FULL_ITEMS = 64


class NotBegun(Exception):  # noqa: N818 - never leaves this package
    """No transaction could be begun: the fault is nobody's item, replaying would be in vain."""


class Writer(Protocol):
    """Does work in transactions; called in the lane's thread only."""

    leaves_traces: bool  # the log holds something that was deleted

    def perform(self, batch: Sequence[Work]) -> Sequence[Any]:
        """Do all of `batch` durably and return each result, or raise and do nothing of it."""

    def scrub(self) -> bool:
        """Cut the log; False if that must be tried again."""

    def close(self) -> None:
        """Give back what the thread holds."""


@dataclass(slots=True, repr=False)  # a repr must not show what passes through
class LaneCounts:
    """What a lane did since it was made; written by its thread, read by anyone."""

    commits: int = 0  # each is one flush of the log
    items: int = 0
    largest_batch: int = 0
    replays: int = 0  # batches that failed and were done item by item
    failures: int = 0  # items that ended in StoreUnavailable
    scrubs: int = 0


_Future: TypeAlias = "asyncio.Future[Any]"
_Item: TypeAlias = tuple[Work, _Future]
_Settled: TypeAlias = tuple[_Future, Any, BaseException | None]


@dataclass(slots=True, repr=False)  # a repr must not show what passes through
class Lane:
    """Takes work from the event loop and answers there. Other threads may not submit."""

    writer: Writer
    loop: asyncio.AbstractEventLoop
    clock: Callable[[], float]
    scrub_after_seconds: float
    counts: LaneCounts = field(default_factory=LaneCounts)
    _arrived: "list[_Item]" = field(default_factory=list)  # in this turn of the loop
    _queue: "queue.SimpleQueue[list[_Item] | None]" = field(default_factory=queue.SimpleQueue)
    _taken: "deque[_Item]" = field(default_factory=deque)  # by the thread
    _last_batch: int = 0  # items in it
    _waiting_items: int = 0
    _waiting_octets: int = 0
    _scrub_due: float | None = None
    _stopping: bool = False
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to work."""
        self._thread = threading.Thread(target=self._run, name="eepost-lane", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> _Future:
        """Return a future of the work's result, or of StoreUnavailable."""
        future = self.loop.create_future()
        if (
            self._stopping
            or self._waiting_items >= MAX_WAITING_ITEMS
            or self._waiting_octets + work.octets > MAX_WAITING_OCTETS
        ):
            future.set_exception(StoreUnavailable())
            return future
        self._waiting_items += 1
        self._waiting_octets += work.octets
        if not self._arrived:
            self._hand_over_soon()
        self._arrived.append((work, future))
        if len(self._arrived) == FULL_ITEMS:
            self._hand_over()
        return future

    async def stop(self) -> None:
        """Finish what was submitted, cut the log, end the thread."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stopping = True
        self._hand_over()
        self._queue.put(None)
        await self.loop.run_in_executor(None, thread.join)

    def _hand_over_soon(self) -> None:
        if self._last_batch >= CROWD_ITEMS:
            seconds = min(MAX_GATHER_SECONDS, GATHER_SECONDS_AN_ITEM * self._last_batch)
            self.loop.call_later(seconds, self._hand_over)
        else:
            # When this turn of the loop ends. Waking the thread for each item would make it take
            # the interpreter from the loop for a batch of one.
            self.loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        if self._arrived:
            self._queue.put(self._arrived)
            self._arrived = []

    def _run(self) -> None:
        try:
            while (batch := self._gather()) is not None:
                if batch:
                    self._commit(batch)
                self._scrub_if_due()
            self._scrub()
        finally:
            self.writer.close()

    def _gather(self) -> "list[_Item] | None":
        """Wait for work and return all there is, within bounds; None when it is time to stop."""
        is_last = self._take()
        batch: list[_Item] = []
        octets = 0
        while self._taken and len(batch) < MAX_BATCH_ITEMS and octets < MAX_BATCH_OCTETS:
            batch.append(self._taken.popleft())
            octets += batch[-1][0].octets
        if is_last:
            if not batch:
                return None
            self._queue.put(None)  # seen again when all is done
        return batch

    def _take(self) -> bool:
        """Take what was handed over, waiting if nothing is left; True at the end of it all."""
        try:
            if not self._taken:
                handed = self._queue.get(timeout=self._seconds_to_scrub())
                if handed is None:
                    return True
                self._taken.extend(handed)
            while (handed := self._queue.get_nowait()) is not None:
                self._taken.extend(handed)
        except queue.Empty:
            return False
        return True

    def _commit(self, batch: list[_Item]) -> None:
        settled = self._attempt(batch)
        self.counts.items += len(batch)
        self.counts.largest_batch = max(self.counts.largest_batch, len(batch))
        self.counts.failures += sum(fault is not None for _, _, fault in settled)
        octets = sum(work.octets for work, _ in batch)
        try:
            self.loop.call_soon_threadsafe(self._settle, settled, octets)
        except RuntimeError:
            # The loop was closed without stop(): nobody is there to be told, all is durable.
            return

    def _attempt(self, batch: list[_Item]) -> list[_Settled]:
        try:
            results = self.writer.perform([work for work, _ in batch])
        except NotBegun as fault:
            return [(future, None, _unavailable(fault)) for _, future in batch]
        except Exception as fault:  # whatever an item raises, the lane goes on
            if len(batch) == 1:
                return [(batch[0][1], None, _unavailable(fault))]
            self.counts.replays += 1
            return [settled for item in batch for settled in self._attempt([item])]
        self.counts.commits += 1
        return [(future, result, None) for (_, future), result in zip(batch, results, strict=True)]

    def _settle(self, settled: list[_Settled], octets: int) -> None:
        self._last_batch = len(settled)
        self._waiting_items -= len(settled)
        self._waiting_octets -= octets
        for future, result, fault in settled:
            if future.done():  # its session went away; what it asked for is done all the same
                continue
            if fault is None:
                future.set_result(result)
            else:
                future.set_exception(fault)

    def _seconds_to_scrub(self) -> float | None:
        return None if self._scrub_due is None else max(0.0, self._scrub_due - self.clock())

    def _scrub_if_due(self) -> None:
        if self._scrub_due is None:
            if self.writer.leaves_traces:
                self._scrub_due = self.clock() + self.scrub_after_seconds
        elif self.clock() >= self._scrub_due:
            self._scrub_due = None if self._scrub() else self.clock() + RETRY_SCRUB_SECONDS

    def _scrub(self) -> bool:
        try:
            done = self.writer.scrub()
        except Exception:  # nobody waits for it, and without its thread the lane would stand still
            return False
        self.counts.scrubs += done
        return done


def _unavailable(cause: BaseException) -> StoreUnavailable:
    fault = StoreUnavailable()
    fault.__cause__ = cause
    return fault
