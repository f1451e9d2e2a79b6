# SPDX-License-Identifier: Apache-2.0
"""Delivers a letter to one domain: its hosts in their order, each as safe as it has to be.

Trust: the domain's owner chooses hosts, addresses and what they answer; all of it is bounded here.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from eepost.services.gateway.conversations import Conversations
from eepost.services.gateway.policies import Policies
from eepost.services.gateway.ports import Dns
from eepost.wire.outward.hop import Hop, HopFailed, Letter, Need
from eepost.wire.outward.route import LOOPS, DnsFailed, NoRoute, in_order, may_dial
from eepost.wire.outward.sts import Policy
from eepost.wire.outward.tlsa import usable
from eepost.wire.outward.verdict import (
    CONGESTED,
    NO_ADDRESS,
    NOT_SECURE,
    UNREACHABLE,
    Verdict,
    deferred,
    failed,
)
from eepost.wire.transfer.messages import Fate

SMTP_PORT = 25
# Hosts and addresses that are tried for one letter; the core tries again later anyway.
MAX_HOPS = 5


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much goes on at once."""

    per_domain: int = 4  # more sessions at once are taken for an attack by some
    altogether: int = 100
    # How long a letter may wait for a place. A domain that is slow on purpose keeps those that it
    # has, and must not keep the core's as well: what waits longer is tried again later.
    wait_seconds: float = 60.0


@dataclass(slots=True)
class Counts:
    """What became of hops and recipients."""

    delivered: int = 0
    deferred: int = 0
    failed: int = 0
    hops_failed: int = 0


class _Congested(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """No place became free in time."""


@dataclass(slots=True)
class _Gate:
    places: asyncio.Semaphore
    users: int = 0


@dataclass(slots=True)
class Delivery:
    """Delivers letters. `own_addresses` are those that lead back to this gateway."""

    own_host: str
    dns: Dns
    policies: Policies
    conversations: Conversations
    chance: Callable[[], float]
    own_addresses: Callable[[], frozenset[str]]
    bounds: Bounds = field(default_factory=Bounds)
    counts: Counts = field(default_factory=Counts)
    _gates: dict[str, _Gate] = field(default_factory=dict)
    _altogether: asyncio.Semaphore | None = None

    async def deliver(
        self, domain: str, letter: Letter
    ) -> AsyncGenerator[tuple[int, Verdict], None]:
        """Yield each recipient's verdict, by its place in `letter`, as soon as it is known.

        `domain` is in A-labels. A recipient whom a letter that is not wanted any more has left
        open gets no verdict.
        """
        try:
            async with self._gate(domain):
                async for at, verdict in self._deliver(domain, letter):
                    self._count(verdict)
                    yield at, verdict
        except _Congested:
            for at in range(len(letter.recipients)):
                self._count(CONGESTED)
                yield at, CONGESTED

    async def _deliver(
        self, domain: str, letter: Letter
    ) -> AsyncGenerator[tuple[int, Verdict], None]:
        waiting: _Waiting = dict.fromkeys(range(len(letter.recipients)))
        if not letter.is_wanted():
            return
        hops = await self._hops(domain)
        if isinstance(hops, NoRoute):
            verdict = failed(hops.status) if hops.is_final else deferred(hops.status)
            for at in waiting:
                yield at, verdict
            return
        async for at, verdict in self._try_all(hops, letter, waiting):
            yield at, verdict
        if letter.is_wanted():
            for at, last in waiting.items():
                yield at, last or UNREACHABLE

    async def _try_all(
        self, hops: AsyncIterator[Hop | Verdict], letter: Letter, waiting: "_Waiting"
    ) -> AsyncGenerator[tuple[int, Verdict], None]:
        """Yield what is final; `waiting` keeps the last word on all others."""
        tried = 0
        async for hop in hops:
            if isinstance(hop, Verdict):
                _note(waiting, hop)
                continue
            tried += 1
            async for at, verdict in self._try(hop, letter, tuple(waiting)):
                waiting[at] = verdict
                if not verdict.ask_elsewhere:
                    del waiting[at]
                    yield at, verdict
            if tried == MAX_HOPS or not waiting or not letter.is_wanted():
                return

    async def _try(
        self, hop: Hop, letter: Letter, places: tuple[int, ...]
    ) -> AsyncGenerator[tuple[int, Verdict], None]:
        """Yield what a host says of those who are left."""
        part = replace(letter, recipients=tuple(letter.recipients[at] for at in places))
        try:
            async with self.conversations.with_host(hop) as conversation:
                async for number, verdict in conversation.send(part):
                    yield places[number], verdict
        except HopFailed as failure:
            self.counts.hops_failed += 1
            for at in places:
                yield at, failure.verdict

    async def _hops(self, domain: str) -> AsyncIterator[Hop | Verdict] | NoRoute:
        """Return what to try, looked up as it is needed, or why there is nothing."""
        route = await self.dns.route(domain)
        if isinstance(route, NoRoute):
            return route
        hosts = in_order(route, self.own_host, self.chance)
        if isinstance(hosts, NoRoute):
            return hosts
        policy = await self.policies.find(domain)
        return self._each_hop(domain, hosts, policy, is_secure=route.is_secure)

    async def _each_hop(
        self, domain: str, hosts: tuple[str, ...], policy: Policy | None, *, is_secure: bool
    ) -> AsyncGenerator[Hop | Verdict, None]:
        for host in hosts:
            try:
                addresses, are_secure = await self.dns.validated_addresses(host)
                own = self.own_addresses()
                dialled = [each for each in addresses if may_dial(each, own)]
                if not dialled:
                    yield _nowhere(addresses, own)
                    continue
                template = Hop(host, "", names=(host, domain))
                if is_secure and are_secure:
                    template = await self._with_dane(template)
            except DnsFailed:
                yield deferred("4.4.3", ask_elsewhere=True)
                continue
            if template.need is Need.NOTHING and policy is not None and policy.is_enforced:
                if not policy.allows(host):
                    yield NOT_SECURE
                    continue
                template = replace(template, need=Need.NAME)
            for address in dialled:
                yield replace(template, address=address)

    async def _with_dane(self, hop: Hop) -> Hop:
        """Return `hop` with what DANE asks for (RFC 7672 2.2); MTA-STS has no say then."""
        records = await self.dns.tlsa(hop.host, SMTP_PORT)
        if not records:
            return hop
        used = usable(records)
        return replace(hop, need=Need.DANE if used else Need.TLS, records=used)

    def _count(self, verdict: Verdict) -> None:
        match verdict.fate:
            case Fate.DELIVERED:
                self.counts.delivered += 1
            case Fate.DEFERRED:
                self.counts.deferred += 1
            case Fate.FAILED:
                self.counts.failed += 1

    @asynccontextmanager
    async def _gate(self, domain: str) -> AsyncIterator[None]:
        """Wait for a place, of the domain's and of all. Raises _Congested."""
        if self._altogether is None:
            self._altogether = asyncio.Semaphore(self.bounds.altogether)
        gate = self._gates.setdefault(domain, _Gate(asyncio.Semaphore(self.bounds.per_domain)))
        gate.users += 1
        try:
            async with AsyncExitStack() as places:
                try:
                    async with asyncio.timeout(self.bounds.wait_seconds):
                        await places.enter_async_context(gate.places)
                        await places.enter_async_context(self._altogether)
                except TimeoutError:
                    raise _Congested from None
                yield
        finally:
            gate.users -= 1
            if not gate.users:
                del self._gates[domain]


_Waiting = dict[int, Verdict | None]


def _note(waiting: _Waiting, verdict: Verdict) -> None:
    """Note what a host's records say; nothing final, where another host may only be busy."""
    for at, last in waiting.items():
        if last is None or verdict.fate is Fate.DEFERRED:
            waiting[at] = verdict


def _nowhere(addresses: tuple[str, ...], own: frozenset[str]) -> Verdict:
    """Return what it means that none of a host's addresses can be dialled."""
    if any(each in own for each in addresses):
        return replace(failed(LOOPS.status), ask_elsewhere=True)
    return replace(NO_ADDRESS, ask_elsewhere=True)
