# SPDX-License-Identifier: Apache-2.0
"""Keeps a link to one peer open: dials, proves, lets ask, and dials again when it broke."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from eepost.net.connect import Connection, Connector, Patience, Route, Unreachable
from eepost.net.exchanges.asker import Answers, Asker, Pieces
from eepost.net.exchanges.stream import Bounds
from eepost.net.link import LinkCut, LinkStream, NotProven
from eepost.wire.link.engine import Link
from eepost.wire.link.pairing import Pairing
from eepost.wire.link.proof import Seat
from eepost.wire.transfer.messages import Question


@dataclass(frozen=True, slots=True)
class Means:
    """What dialling needs of the world. `prove_seconds`: two round trips, each takes seconds."""

    clock: Callable[[], float]
    chance: Callable[[], float]
    random_octets: Callable[[int], bytes]
    patience: Patience
    bounds: Bounds
    prove_seconds: float = 90.0


@dataclass(slots=True)
class LinkCounts:
    """How the links of a role did."""

    opened: int = 0
    unreachable: int = 0
    not_proven: int = 0
    lost: int = 0


class StandingLink:
    """A link that is there, or is being tried for; `run` keeps it so until it is cancelled."""

    def __init__(self, route: Route, pairing: Pairing, means: Means) -> None:
        self.counts = LinkCounts()
        self._route = route
        self._pairing = pairing
        self._means = means
        self._connector = Connector([route], means.patience, means.clock, means.chance)
        self._asker: Asker | None = None
        self._changed = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """The peer has proven itself and the stream is not known to be lost."""
        return self._asker is not None and not self._asker.is_lost

    @property
    def open_exchanges(self) -> int:
        """How many questions wait for their last answer."""
        return 0 if self._asker is None else self._asker.open_exchanges

    async def run(self) -> None:
        """Dial, hold, dial again."""
        while True:
            try:
                connection = await self._connector.greeted()
            except Unreachable as outcome:
                self.counts.unreachable += 1
                await asyncio.sleep(outcome.retry_seconds)
                continue
            await self._hold(connection)
            # Pause before the next try, longer each time if it never proves itself.
            self._connector.failed(self._route.name)

    @asynccontextmanager
    async def ask(
        self, question: Question, content: Pieces = (), within_seconds: float = 0.0
    ) -> AsyncIterator[Answers]:
        """Ask over the link, waiting up to `within_seconds` for there to be one.

        Raises LinkCut where there is none in time, and as Asker.ask does.
        """
        asker = await self._up(within_seconds)
        async with asker.ask(question, content) as answers:
            yield answers

    async def finish(self, within_seconds: float) -> None:
        """Ask nothing more, let what is open be answered, then close."""
        if self._asker is not None:
            try:
                await asyncio.wait_for(self._asker.finish(), within_seconds)
            except TimeoutError:
                self._asker.close()

    async def _up(self, within_seconds: float) -> Asker:
        try:
            async with asyncio.timeout(within_seconds):
                while self._asker is None or self._asker.is_lost:
                    self._changed.clear()
                    await self._changed.wait()
                return self._asker
        except TimeoutError:
            raise LinkCut from None

    async def _hold(self, connection: Connection) -> None:
        link = Link(self._pairing, Seat.DIALLER, self._means.random_octets(32))
        stream = LinkStream(connection.reader, connection.writer, link)
        try:
            await stream.prove(self._means.prove_seconds)
            self.counts.opened += 1
            self._connector.served(self._route.name)
            self._asker = Asker(stream, self._means.bounds)
            self._changed.set()
            await self._asker.run()
            self.counts.lost += 1
        except NotProven:
            self.counts.not_proven += 1
        finally:
            self._asker = None
            await connection.close()
