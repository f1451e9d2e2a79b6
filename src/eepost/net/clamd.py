# SPDX-License-Identifier: Apache-2.0
"""ClamAV's daemon as a Scanner that is believed only as far as it was tried.

Whether clamd is to be believed is tried first, and again every few minutes, with mails whose
verdict is known (net.canary): a clamd without signatures looks healthy, and so does one that
calls clean what it could not look into, which is how it comes out of the box. One that says
nothing, dies, speaks before it has heard everything or says what clamd never says is DOWN.

Trust: whoever listens at the socket. A TCP port lets everybody on this machine be that, or shut
clamd down; a socket file with narrow rights does not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from eepost.mail.violation import PeerViolation
from eepost.net import canary
from eepost.net.instream import DOWN, OVER_LIMITS, Way, instream
from eepost.sanitise.scan import Clean, Infected, Verdict
from eepost.sanitise.specimens import specimens

# Runs work on another thread.
Offload = Callable[[Callable[[], list[bytes]]], Awaitable[list[bytes]]]

# From here on taking a message apart must not hold the loop up.
OFFLOAD_OCTETS = 131_072
# How long what the canaries showed is relied on.
BELIEF_SECONDS = 600.0
# How long they are not tried again after they failed: while one try hangs, mail waits for it.
PAUSE_SECONDS = 3.0
# A canary takes clamd a millisecond; one that was left hanging takes for ever.
CANARY_SECONDS = 15.0


class Standing(Enum):
    """What the canaries showed of a scanner."""

    RELIABLE = "finds what it must find and tells what it could not look into"
    DOWN = "does not answer"
    BLIND = "does not find the EICAR test file: has it no signatures?"
    LENIENT = "calls clean what it could not look into: set AlertExceedsMax yes in clamd.conf"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What scanning may take."""

    message_octets: int  # the largest message that is asked about
    seconds: float  # for one message, waiting for others included
    at_once: int


@dataclass(slots=True)
class Clamd:
    """A Scanner. `tell` hears of every change in what the canaries showed."""

    way: Way
    bounds: Bounds
    offload: Offload
    now_seconds: Callable[[], float]
    tell: Callable[[Standing], None]
    _standing: Standing | None = None
    _known_until: float = float("-inf")
    _trying: asyncio.Lock = field(default_factory=asyncio.Lock)
    _places: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.bounds.at_once)

    async def scan(self, message: Sequence[bytes | memoryview]) -> Verdict:
        """Return what clamd says of `message`, see sanitise.scan.Scanner."""
        size = sum(map(len, message))
        if size > self.bounds.message_octets:
            return OVER_LIMITS
        try:
            async with asyncio.timeout(self.bounds.seconds):
                verdict = await self._scan(message, size)
        except OSError:  # a timeout is one
            verdict = DOWN
        if verdict == DOWN and self._standing is Standing.RELIABLE:
            self._known_until = self.now_seconds()  # the canaries go first next time
        return verdict

    async def standing(self) -> Standing:
        """Return what is to be thought of clamd; tries it where that is not known."""
        if self._standing is None or self.now_seconds() >= self._known_until:
            async with self._trying:  # one try for all who wait for it
                if self._standing is None or self.now_seconds() >= self._known_until:
                    await self._try_out()
        assert self._standing is not None  # noqa: S101 - it was tried just now
        return self._standing

    async def _scan(self, message: Sequence[bytes | memoryview], size: int) -> Verdict:
        if await self.standing() is not Standing.RELIABLE:
            return DOWN
        async with self._places:
            try:
                if size > OFFLOAD_OCTETS:
                    found = await self.offload(lambda: specimens(message))
                else:
                    found = specimens(message)
            except PeerViolation:
                return OVER_LIMITS
            return await instream(self.way, found)

    async def _try_out(self) -> None:
        try:
            async with asyncio.timeout(CANARY_SECONDS):
                found = await self._listen()
        except OSError:
            found = Standing.DOWN
        lasts = BELIEF_SECONDS if found is Standing.RELIABLE else PAUSE_SECONDS
        is_news = found is not self._standing
        self._standing, self._known_until = found, self.now_seconds() + lasts
        if is_news:
            self.tell(found)

    async def _listen(self) -> Standing:
        """Return what becomes of the canaries."""
        seen = await instream(self.way, specimens([canary.seen()]))
        deep = await instream(self.way, specimens([canary.deep()]))
        if DOWN in (seen, deep):
            return Standing.DOWN
        if not isinstance(seen, Infected):
            return Standing.BLIND
        return Standing.LENIENT if isinstance(deep, Clean) else Standing.RELIABLE
