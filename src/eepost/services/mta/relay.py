# SPDX-License-Identifier: Apache-2.0
"""Lets mail leave: claims what is due, a bounded number at once, and works on each (`attempt`).

Duty: go on whatever happens to one item, one gateway or the store. Must not hold more of the
queue in memory than it works on: the backlog stays on the disk.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from eepost.maildrop.ports import StoreUnavailable
from eepost.queue.books import Move
from eepost.queue.item import Item
from eepost.queue.lifecycle import replan
from eepost.queue.release import BATCH_MINUTES, batch_left, minute_of
from eepost.queue.sealing import NEVER, StoredItem
from eepost.seal.broken import SealBroken
from eepost.services.mta.attempt import Attempt, ClaimLost
from eepost.services.mta.relay_desk import RelayDesk

# How often the store is asked for what is due, which is counted in minutes; a look costs 0.1 ms.
LOOK_SECONDS = 2.0
GATHER_SECONDS = 0.02
# Longer than a gateway may keep an attempt without a word; renewed while it goes on.
LEASE_MINUTES = 30
RENEW_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may go on at once."""

    items: int = 50
    octets: int = 67_108_864  # of their content; a larger message is worked on alone


@dataclass(slots=True)
class RelayService:
    """Runs until it is cancelled, and is stopped then. `wake`: something may leave at once."""

    desk: RelayDesk
    bounds: Bounds
    last_batch: int = 0  # minute of the last one that has left
    _awake: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)
    _octets: int = 0
    _freed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def wake(self) -> None:
        """Look at the queue now."""
        self._awake.set()

    @property
    def under_way(self) -> int:
        """How many items are being worked on."""
        return len(self._tasks)

    async def prepare(self) -> None:
        """Take over what a crash left. Raises StoreUnavailable."""
        await self.desk.store.free()
        self.last_batch = await self.desk.store.last_batch()

    async def run(self) -> None:
        """Let mail leave, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._renew_claims())
            group.create_task(self._look())

    async def stop(self, grace_seconds: float = 0.0) -> None:
        """Let what is under way end, then cut it off; that is tried again after the next start."""
        tasks = list(self._tasks.values())
        if tasks and grace_seconds:
            await asyncio.wait(tasks, timeout=grace_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def turn(self) -> int:
        """Claim what is due, as much as there is room for, and begin. Raises StoreUnavailable."""
        room = self.bounds.items - len(self._tasks)
        now = minute_of(self.desk.now())
        latest = now + self._longest_minutes()
        horizon = now if self.desk.usable() else now - self._patience_minutes()
        if room <= 0 or not await self.desk.store.next_due(horizon, latest):
            return 0
        await self._note_batch(now)
        claimed = await self.desk.store.claim(horizon, latest, now + LEASE_MINUTES, room)
        for stored in claimed:
            if stored.number not in self._tasks:
                task = asyncio.get_running_loop().create_task(self._work(stored))
                self._tasks[stored.number] = task
        return len(claimed)

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def _look(self) -> None:
        while True:
            try:
                await self.turn()
            except StoreUnavailable:
                pass  # nothing was claimed, and the next look comes by itself
            except Exception as fault:  # whatever it is, mail must go on leaving
                self.desk.counts.faults += 1
                self.desk.fault("looking at the queue", fault)
            await self._rest()

    async def _rest(self) -> None:
        """Wait for a call, room, or the time to look again."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._awake.wait(), LOOK_SECONDS)
        # Where many call, one look and one claim serve them all.
        await asyncio.sleep(GATHER_SECONDS)
        self._awake.clear()

    async def _renew_claims(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            until = minute_of(self.desk.now()) + LEASE_MINUTES
            with suppress(StoreUnavailable):
                await self.desk.store.renew(list(self._tasks), until)

    async def _note_batch(self, now: int) -> None:
        left = batch_left(now, self.last_batch)
        if left != self.last_batch:
            await self.desk.store.note_batch(left)
            self.last_batch = left

    def _patience_minutes(self) -> int:
        """How long what is due stays as it is for want of a gateway before it ages by as much."""
        return max(1, self.desk.plan.cut_seconds // 60)

    def _longest_minutes(self) -> int:
        """How far ahead anything may be planned; beyond that it was planned by a wrong clock."""
        return max(3 * BATCH_MINUTES, self.desk.plan.longest_seconds // 60) + 2

    async def _work(self, stored: StoredItem) -> None:
        desk = self.desk
        try:
            await self._attend(stored)
        except StoreUnavailable:
            pass  # the claim runs out, or ends with the next start
        except ClaimLost:
            desk.counts.claims_lost += 1
        except SealBroken as fault:
            desk.counts.damaged += 1
            desk.fault("a damaged item of the queue", fault)
            await self._set_aside(stored, NEVER)  # for the operator to look at
        except Exception as fault:  # one item must not stop the others
            desk.counts.faults += 1
            desk.fault("relay", fault)
            await self._set_aside(stored, minute_of(desk.now()) + LEASE_MINUTES)
        finally:
            del self._tasks[stored.number]
            if len(self._tasks) == self.bounds.items // 2:
                self.wake()  # there is room for many again

    async def _attend(self, stored: StoredItem) -> None:
        desk = self.desk
        item = desk.sealer.open(stored)
        now = desk.now()
        if item.due > minute_of(now) + self._longest_minutes():
            await self._replan(stored, item)
            return
        async with self._room(item.size_octets):
            attempt = await Attempt.open(desk, stored, item)
            await attempt.run()

    async def _set_aside(self, stored: StoredItem, due: int) -> None:
        """Give an item back as it is, to be looked at again at `due`."""
        with suppress(StoreUnavailable):  # then the claim runs out by itself
            now = await self.desk.store.item(stored.number)
            if now is not None:
                later = replace(now, due=due, lease=0)
                await self.desk.store.move(Move(now, later, is_claimed=True))

    async def _replan(self, stored: StoredItem, item: Item) -> None:
        desk = self.desk
        planned = replan(item, desk.now(), self.last_batch, desk.plan, desk.randomness)
        await Attempt(desk, stored, item, bytearray()).settle(planned)

    @asynccontextmanager
    async def _room(self, octets: int) -> AsyncIterator[None]:
        """Wait until there is room in memory for a message."""
        async with self._freed:
            await self._freed.wait_for(
                lambda: not self._octets or self._octets + octets <= self.bounds.octets
            )
            self._octets += octets
        try:
            yield
        finally:
            self._octets -= octets
            async with self._freed:
                self._freed.notify_all()
