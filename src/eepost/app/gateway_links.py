# SPDX-License-Identifier: Apache-2.0
"""The core's side of all links to gateways: one that it dials for each, and a port for theirs."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from eepost.app.config import ConfigError
from eepost.app.known_gateways import KnownGateway, read_gateway, stamps
from eepost.net import clock
from eepost.net.connect import Patience
from eepost.net.exchanges.answerer import Responses
from eepost.net.exchanges.listening import Desk, LinkListener
from eepost.net.exchanges.standing import Means, StandingLink
from eepost.net.exchanges.stream import Bounds
from eepost.net.link import LinkCut
from eepost.net.listeners import Endpoint
from eepost.observe.journal import Journal
from eepost.services.mta.ports import GatewayDeclined, GatewayLost, Pieces
from eepost.wire.link.pairing import Pairing
from eepost.wire.transfer.messages import Declined, Outcome, Relay
from eepost.wire.transit import Share, Transit

# How often the folder is looked at; an operator who adds a gateway waits no longer.
LOOK_SECONDS = 2.0
# How long what is under way may take when a gateway is drained or removed, or the core stops.
GRACE_SECONDS = 30.0
# What a gateway may have on its way to us however many there are: one message of the largest size.
SMALLEST_SHARE_OCTETS = 16_777_216
# From one answer of a gateway to the next. It gives up on a far server itself, with the timeouts
# of RFC 5321 4.5.3.2 added up.
ANSWER_SECONDS = 3_600.0


@dataclass(slots=True)
class _Held:
    """A gateway that is known now."""

    record: KnownGateway
    pairing: Pairing
    link: StandingLink
    task: "asyncio.Task[None]"
    room: Share


@dataclass(slots=True)
class GatewayLinks:
    """All gateways of a core; satisfies `services.mta.ports.Gateways`.

    `responses` says what is answered to the questions of the gateway of that name.
    """

    directory: Path
    listen: Endpoint
    journal: Journal
    in_transit_octets: int
    responses: Callable[[str], Responses] = field(default=lambda _: {})
    patience: Patience = field(default_factory=Patience)
    bounds: Bounds = field(default_factory=Bounds)
    listening: Endpoint | None = None
    _held: dict[str, _Held] = field(default_factory=dict)
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    _listener: LinkListener | None = None
    _watch: "asyncio.Task[None] | None" = None
    _leaving: set["asyncio.Task[None]"] = field(default_factory=set)
    _room: Transit = field(init=False)

    def __post_init__(self) -> None:
        self._room = Transit(self.in_transit_octets)

    async def start(self) -> None:
        """Read the folder and go on watching it. Raises ConfigError, OSError."""
        await self._look()
        self._watch = asyncio.get_running_loop().create_task(self._keep_looking())

    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Let what is under way end, then drop all links."""
        if self._watch is not None:
            self._watch.cancel()
        leaving = [self._leave(held, grace_seconds) for held in self._held.values()]
        self._held.clear()
        await asyncio.gather(*leaving, *self._leaving)
        if self._listener is not None:
            await self._listener.stop(grace_seconds)

    def known(self) -> Sequence[str]:
        """Return all that are paired and not drained."""
        return [name for name, held in self._held.items() if not held.record.is_drained]

    def working(self) -> Sequence[str]:
        """Return those of `known` whose link is up."""
        return [name for name in self.known() if self._held[name].link.is_up]

    async def relay(
        self, gateway: str, order: Relay, content: Pieces
    ) -> AsyncGenerator[Outcome, None]:
        """Hand a message over and yield outcomes; see `services.mta.ports.Gateways`."""
        held = self._held.get(gateway)
        if held is None:
            raise GatewayLost
        try:
            async with held.link.ask(order, content) as answers:
                while True:
                    answer = await asyncio.wait_for(anext(answers), ANSWER_SECONDS)
                    match answer:
                        case Outcome():
                            yield answer
                        case Declined():
                            raise GatewayDeclined
                        case _:
                            return
        except (LinkCut, TimeoutError):
            raise GatewayLost from None

    def counters(self) -> dict[str, int]:
        """Return what was counted, by name."""
        links = [held.link for held in self._held.values()]
        opened = sum(link.counts.opened for link in links)
        streams = self._listener.open_streams if self._listener else 0
        return {
            "gateways_known": len(links),
            "gateways_up": sum(link.is_up for link in links),
            "gateways_opened": opened,
            "gateways_lost": sum(link.counts.lost for link in links),
            "gateways_not_proven": sum(link.counts.not_proven for link in links),
            "gateways_streams": streams,
        }

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look()
            except (ConfigError, OSError) as fault:
                self.journal.fault("gateways", fault)

    async def _look(self) -> None:
        seen = stamps(self.directory)
        for name in self._seen.keys() - seen.keys():
            self._forget(name)
        for name, stamp in seen.items():
            if self._seen.get(name) != stamp:
                self._learn(name)
        self._seen = seen
        if self._held and self._listener is None:
            await self._open()

    async def _open(self) -> None:
        listener = LinkListener(
            Desk(
                pairings=lambda: [held.pairing for held in self._held.values()],
                responses=lambda pairing: self.responses(self._name_of(pairing)),
                room=self._room_of,
                bounds=self.bounds,
                fault=lambda error: self.journal.fault("answering a gateway", error),
                random_octets=clock.random_octets,
            )
        )
        self.listening = await listener.start(self.listen)
        self._listener = listener

    def _name_of(self, pairing: Pairing) -> str:
        for name, held in self._held.items():
            if held.pairing.secret == pairing.secret:
                return name
        return ""  # removed in this very moment

    def _room_of(self, pairing: Pairing) -> Share:
        held = self._held.get(self._name_of(pairing))
        return held.room if held is not None else Share(self._room, lambda: 0)

    def _fair_octets(self) -> int:
        """What one gateway may hold: one that was hijacked must not keep the others' mail out."""
        return max(self.in_transit_octets // max(1, len(self._held)), SMALLEST_SHARE_OCTETS)

    def _learn(self, name: str) -> None:
        try:
            record = read_gateway(self.directory, name)
        except ConfigError as fault:
            self.journal.fault("gateway's file", fault)
            return
        before = self._held.get(name)
        if before is not None and _is_same_link(before.record, record):
            before.record = record  # drained, or taken up again
            return
        self._forget(name)
        pairing = record.pairing()
        means = Means(
            clock.monotonic_seconds,
            random.random,
            clock.random_octets,
            self.patience,
            self.bounds,
        )
        link = StandingLink(record.route(name, clock.random_octets), pairing, means)
        task = asyncio.get_running_loop().create_task(link.run())
        room = Share(self._room, self._fair_octets)
        self._held[name] = _Held(record, pairing, link, task, room)

    def _forget(self, name: str) -> None:
        held = self._held.pop(name, None)
        if held is not None:
            leaving = asyncio.get_running_loop().create_task(self._leave(held, GRACE_SECONDS))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def _leave(self, held: _Held, grace_seconds: float) -> None:
        await held.link.finish(grace_seconds)
        held.task.cancel()
        with suppress(asyncio.CancelledError):
            await held.task
        if self._listener is not None:
            await self._listener.drop(held.pairing, grace_seconds)


def _is_same_link(one: KnownGateway, other: KnownGateway) -> bool:
    return (one.secret, one.way, one.port) == (other.secret, other.way, other.port)
