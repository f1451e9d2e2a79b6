# SPDX-License-Identifier: Apache-2.0
"""Brings to the core what was kept while it was away, the oldest first.

A parcel is removed when the core has answered for it, and not before: a crash in between costs a
repetition, which the core knows by the transfer. One whose recipient has no room comes back later.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from eepost.services.gateway.reception.core import (
    Core,
    CoreDeclined,
    CoreUnreachable,
    Parcels,
)
from eepost.wire.transfer.messages import UNNUMBERED, Incoming

# Parcels looked at in one round, so that the memory needed does not grow with the backlog.
ROUND = 200
AT_ONCE = 4
# How long one parcel may take to be handed over; a large one over a slow route.
HAND_OVER_SECONDS = 1_800.0
FIRST_RETRY_SECONDS = 300.0
LONGEST_RETRY_SECONDS = 14_400.0


@dataclass(slots=True)
class Counts:
    """What became of parcels; numbers only."""

    forwarded: int = 0
    put_off: int = 0
    expired: int = 0


@dataclass(slots=True)
class _Pause:
    until: float
    seconds: float


@dataclass(slots=True)
class Forwarding:
    """Forwards; `run` goes on until it is cancelled. `is_up`: the core can be asked now."""

    core: Core
    parcels: Parcels
    is_up: Callable[[], bool]
    clock: Callable[[], float]
    pause: Callable[[float], Awaitable[None]]
    fault: Callable[[BaseException], None]
    keep_seconds: float
    pause_seconds: float  # between rounds
    counts: Counts = field(default_factory=Counts)
    _pauses: dict[bytes, _Pause] = field(default_factory=dict)

    async def run(self) -> None:
        """Forward, rest, forward again."""
        while True:
            if self.is_up():
                try:
                    while await self.round():
                        pass
                except OSError as error:
                    self.fault(error)
            await self.pause(self.pause_seconds)

    async def round(self) -> int:
        """Forward what is due; return how many parcels left. Raises OSError."""
        found = await self.parcels.oldest(ROUND + len(self._pauses))
        self._pauses = {each: self._pauses[each] for each in found if each in self._pauses}
        due = [each for each in found if self._is_due(each)][:ROUND]
        places = asyncio.Semaphore(AT_ONCE)
        gone = await asyncio.gather(*(self._forward(each, places) for each in due))
        return sum(gone)

    def _is_due(self, transfer: bytes) -> bool:
        pause = self._pauses.get(transfer)
        return pause is None or pause.until <= self.clock()

    async def _forward(self, transfer: bytes, places: asyncio.Semaphore) -> bool:
        async with places:
            if self.parcels.age_seconds(transfer) > self.keep_seconds:
                self.counts.expired += 1
                await self.parcels.remove(transfer)
                return True
            try:
                is_taken = await self._hand_over(transfer)
            except (CoreUnreachable, TimeoutError):
                return False
            if not is_taken:
                self._put_off(transfer)
                return False
            self._pauses.pop(transfer, None)
            return True

    async def _hand_over(self, transfer: bytes) -> bool:
        parcel = await self.parcels.get(transfer)
        if parcel is None:
            return True
        order = Incoming(UNNUMBERED, transfer, "", (), len(parcel), is_sealed=True)
        try:
            async with asyncio.timeout(HAND_OVER_SECONDS):
                await self.core.take(order, [parcel])
        except CoreDeclined:
            return False
        await self.parcels.remove(transfer)
        self.counts.forwarded += 1
        return True

    def _put_off(self, transfer: bytes) -> None:
        before = self._pauses.get(transfer)
        seconds = min(before.seconds * 2, LONGEST_RETRY_SECONDS) if before else FIRST_RETRY_SECONDS
        self._pauses[transfer] = _Pause(self.clock() + seconds, seconds)
        self.counts.put_off += 1
