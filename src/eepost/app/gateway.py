# SPDX-License-Identifier: Apache-2.0
"""The gateway role: the link to the core on one side, the Internet on the other.

It knows no account and has no maildrop, and no module of them is loaded. This is the only place
from which sockets to the Internet and questions to the DNS are reached.
"""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field

from eepost.app import workers
from eepost.app.gateway_config import GatewayOffice
from eepost.app.gateway_delivery import DeliveryPart, Dialler
from eepost.app.gateway_reception import ReceptionPart
from eepost.app.way import link_patience
from eepost.net import clock
from eepost.net.connect import Route
from eepost.net.exchanges.listening import Desk, LinkListener
from eepost.net.exchanges.standing import Means, StandingLink
from eepost.net.exchanges.stream import Bounds
from eepost.net.listeners import Endpoint, parse_endpoint
from eepost.observe.journal import Journal
from eepost.wire.transit import Transit
from eepost.workers.pool import Pool
from eepost.workers.starter import Starter

# How long a stop waits for deliveries that are under way.
GRACE_SECONDS = 30.0


@dataclass(slots=True)
class Gateway:
    """A running gateway. `start` opens link and ports, `stop` ends what is open."""

    office: GatewayOffice
    journal: Journal
    starter: Starter  # begun before any key was read
    dial: Dialler | None = None  # how hosts of the Internet are reached; None: as they are
    core: StandingLink | None = None  # for questions to the core
    listening: dict[str, Endpoint] = field(default_factory=dict)
    _delivery: DeliveryPart | None = None
    _listener: LinkListener | None = None
    _reception: ReceptionPart | None = None
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    _workers: Pool = field(init=False)

    def __post_init__(self) -> None:
        self._workers = workers.make_pool(self.office.settings.workers, self.starter, self.journal)

    async def start(self) -> None:
        """Open the link and the ports. Raises ConfigError, OSError."""
        settings = self.office.settings
        invitation = self.office.core()
        pairing = invitation.pairing()
        bounds = Bounds(content_octets=settings.link.message_octets)
        self._delivery = DeliveryPart(self.office, self.journal, self._workers, self.dial)
        responses, room = self._delivery.start(), Transit(settings.link.in_transit_octets)
        self._listener = LinkListener(
            Desk(
                pairings=lambda: (pairing,),
                responses=lambda _: responses,
                room=lambda _: room,
                bounds=bounds,
                fault=lambda error: self.journal.fault("answering the core", error),
                random_octets=clock.random_octets,
            )
        )
        self.listening["link"] = await self._listener.start(parse_endpoint(settings.link.listen))
        way = self.office.core_way()
        means = Means(
            clock.monotonic_seconds,
            random.random,
            clock.random_octets,
            link_patience(settings.link.retry_seconds),
            bounds,
        )
        self.core = StandingLink(Route("core", way), pairing, means)
        loop = asyncio.get_running_loop()
        self._tasks.append(loop.create_task(self.core.run()))
        self._reception = ReceptionPart(self.office, self.journal, self.core, self._workers)
        await self._reception.start()
        self.listening |= self._reception.listening
        if settings.log.counts_seconds:
            self._tasks.append(loop.create_task(self._count(settings.log.counts_seconds)))

    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Take nothing new, let what is under way end, drop the link."""
        if self._reception is not None:
            await self._reception.stop(grace_seconds)
        if self._listener is not None:
            await self._listener.stop(grace_seconds)
        if self._delivery is not None:
            await self._delivery.stop(grace_seconds)
        self._workers.stop()
        if self.core is not None:
            await self.core.finish(grace_seconds)
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def counters(self) -> dict[str, int]:
        """Return what was counted, by name."""
        counted = self._reception.counters() if self._reception else {}
        counted |= self._delivery.counters() if self._delivery else {}
        return (
            counted
            | workers.counters(self._workers)
            | {
                "core_is_up": int(self.core is not None and self.core.is_up),
                "core_streams": self._listener.open_streams if self._listener else 0,
            }
        )

    async def _count(self, every_seconds: int) -> None:
        while True:
            await asyncio.sleep(every_seconds)
            self.journal.event("counts", **self.counters())
