# SPDX-License-Identifier: Apache-2.0
"""Puts together how a gateway brings the core's mail to the Internet."""

import asyncio
import random
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TypeAlias

from eepost.app.gateway_config import GatewayOffice
from eepost.app.gateway_keys import read_keys
from eepost.net import clock
from eepost.net.clearnet.courier import Courier, Timeouts
from eepost.net.clearnet.dialling import Dial, dial
from eepost.net.clearnet.policy_hosts import HttpsPolicyHosts
from eepost.net.dns import Dns
from eepost.net.exchanges.answerer import Responses
from eepost.net.listeners import parse_endpoint
from eepost.observe.journal import Journal
from eepost.services.gateway.conversations import Conversations
from eepost.services.gateway.delivery import Bounds, Delivery
from eepost.services.gateway.policies import Policies
from eepost.services.gateway.recent import RecentDns
from eepost.services.gateway.relay import Identity, RelayDesk
from eepost.services.gateway.signing import Signer
from eepost.wire.outward.route import DnsFailed
from eepost.wire.transfer.messages import Relay
from eepost.workers.cleaner import PooledCleaner
from eepost.workers.pool import Pool

Dialler: TypeAlias = Dial  # for whoever makes a gateway, and may not see what reaches the Internet

# How often sessions that nobody uses are looked for.
SWEEP_SECONDS = 1.0
# How often the addresses behind our own name are looked up.
OWN_ADDRESS_SECONDS = 300.0


@dataclass(slots=True)
class DeliveryPart:
    """Outgoing mail of a running gateway."""

    office: GatewayOffice
    journal: Journal
    pool: Pool
    dial: Dialler | None = None
    _relay: RelayDesk | None = None
    _own_addresses: frozenset[str] = frozenset()
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    def start(self) -> Responses:
        """Return what answers the core. Raises ConfigError."""
        settings = self.office.settings
        dns = Dns(parse_endpoint(settings.dns.resolver), settings.dns.seconds)
        relay = self._relay = self._make_relay(dns)
        loop = asyncio.get_running_loop()
        self._tasks += [
            loop.create_task(self._sweep(relay.delivery.conversations)),
            loop.create_task(self._keep_finding_ourselves(dns)),
        ]
        return {Relay: relay.respond}

    async def stop(self, grace_seconds: float) -> None:
        """Let what is being sent be sent."""
        if self._relay is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._relay.settle(), grace_seconds)
            await self._relay.delivery.conversations.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def counters(self) -> dict[str, int]:
        """Return what was counted, by name."""
        if self._relay is None:
            return {}
        delivery = self._relay.delivery
        counted = asdict(self._relay.counts) | asdict(delivery.counts)
        counted["sessions"] = delivery.conversations.opened
        return {f"relay_{name}": count for name, count in counted.items()}

    def _make_relay(self, dns: Dns) -> RelayDesk:
        names, relay = self.office.settings.gateway, self.office.settings.relay
        timeouts = Timeouts(relay.connect_seconds, relay.command_seconds, relay.content_seconds)
        recent = RecentDns(dns, clock.monotonic_seconds)
        hosts = HttpsPolicyHosts(dns, relay.policy_seconds)
        courier = Courier(names.host, timeouts, dial=self.dial or dial)
        conversations = Conversations(courier, clock.monotonic_seconds)
        return RelayDesk(
            identity=Identity(names.host, names.internal_domain, names.official_domains),
            dns=dns,
            delivery=Delivery(
                own_host=names.host,
                dns=recent,
                policies=Policies(recent, hosts, clock.monotonic_seconds),
                conversations=conversations,
                chance=random.random,
                own_addresses=lambda: self._own_addresses,
                bounds=Bounds(relay.sessions_per_domain, relay.sessions),
            ),
            cleaner=PooledCleaner(self.pool),
            signer=Signer(read_keys(self.office.directory)),
            now_utc=lambda: int(clock.wall_seconds()),
            clock=clock.monotonic_seconds,
            offload=asyncio.to_thread,
            fault=lambda error: self.journal.fault("delivering", error),
            key=clock.random_octets(32),
        )

    async def _sweep(self, conversations: Conversations) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await conversations.sweep()

    async def _keep_finding_ourselves(self, dns: Dns) -> None:
        while True:
            with suppress(DnsFailed):
                addresses, _ = await dns.validated_addresses(self.office.settings.gateway.host)
                self._own_addresses = frozenset(addresses)
            await asyncio.sleep(OWN_ADDRESS_SECONDS)
