# SPDX-License-Identifier: Apache-2.0
"""Keeps conversations for the next letter to the same host, and hosts that failed out of the way.

Both are in memory and short: a host that hangs must not be waited for by every letter, and one
that was busy a minute ago may not be so now.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from eepost.services.gateway.ports import Conversation, Couriers
from eepost.wire.outward.hop import Hop, HopFailed
from eepost.wire.outward.verdict import Verdict

# An open session costs the far side a place; two seconds catch the letters of one burst.
IDLE_SECONDS = 2.0
# Letters in one session; afterwards a new one, perhaps to a host that is less busy.
MAX_LETTERS = 100
# How long a host that could not be talked to is passed over.
DOWN_SECONDS = 60.0
MAX_DOWN = 1_000


@dataclass(slots=True)
class _Idle:
    conversation: Conversation
    letters: int
    until: float


@dataclass(slots=True)
class Conversations:
    """Conversations by hop."""

    couriers: Couriers
    clock: Callable[[], float]
    opened: int = 0
    _idle: dict[Hop, list[_Idle]] = field(default_factory=dict)
    _down: OrderedDict[Hop, tuple[float, Verdict]] = field(default_factory=OrderedDict)

    @asynccontextmanager
    async def with_host(self, hop: Hop) -> AsyncIterator[Conversation]:
        """Give a conversation, one that is open already where there is one. Raises HopFailed."""
        held = self._take(hop) or await self._open(hop)
        try:
            yield held.conversation
        finally:
            if held.conversation.is_open and held.letters + 1 < MAX_LETTERS:
                held.letters += 1
                held.until = self.clock() + IDLE_SECONDS
                self._idle.setdefault(hop, []).append(held)
            else:
                await held.conversation.close()

    async def sweep(self) -> None:
        """Close what has waited too long."""
        now = self.clock()
        await self._close([held for held in self._all() if held.until <= now])

    async def close(self) -> None:
        """Close all."""
        await self._close(self._all())

    async def _close(self, over: list[_Idle]) -> None:
        for hop in list(self._idle):
            kept = [held for held in self._idle[hop] if held not in over]
            if kept:
                self._idle[hop] = kept
            else:
                del self._idle[hop]
        await asyncio.gather(*(held.conversation.close() for held in over))

    def _all(self) -> list[_Idle]:
        return [held for waiting in self._idle.values() for held in waiting]

    def _take(self, hop: Hop) -> _Idle | None:
        waiting = self._idle.get(hop, [])
        while waiting:
            held = waiting.pop()
            if held.conversation.is_open and self.clock() < held.until:
                return held
        self._idle.pop(hop, None)
        return None

    async def _open(self, hop: Hop) -> _Idle:
        until, verdict = self._down.get(hop, (0.0, None))
        if verdict is not None and self.clock() < until:
            raise HopFailed(verdict)
        try:
            conversation = await self.couriers.open(hop)
        except HopFailed as failure:
            self._down[hop] = (self.clock() + DOWN_SECONDS, failure.verdict)
            if len(self._down) > MAX_DOWN:
                self._down.popitem(last=False)
            raise
        self._down.pop(hop, None)
        self.opened += 1
        return _Idle(conversation, 0, 0.0)
