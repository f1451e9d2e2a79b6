# SPDX-License-Identifier: Apache-2.0
"""Puts outgoing mail together: the queue, what may be sent, and the relay to gateways."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from eepost.accounts.correspondents import Correspondents, folded
from eepost.accounts.directory import Directory
from eepost.app.config import all_domains, message_id_domain
from eepost.app.settings import Settings
from eepost.mail.address import Address
from eepost.maildrop.model import thread_period_of
from eepost.maildrop.ports import StoreUnavailable
from eepost.net import clock
from eepost.observe.journal import Journal
from eepost.queue.allowance import WINDOW_HOURS, Limits
from eepost.queue.choice import PassedOver
from eepost.queue.retry import RetryPlan
from eepost.queue.sealing import QueueSealer
from eepost.sanitise.cleaner import Cleaner
from eepost.seal.startkey import StartKey
from eepost.services.mta.conversations import Conversations
from eepost.services.mta.local import LocalDelivery
from eepost.services.mta.opt_outs import OptOuts
from eepost.services.mta.outgoing import Outgoing
from eepost.services.mta.ports import Gateways, OutgoingStore
from eepost.services.mta.queue_room import QueueRoom
from eepost.services.mta.quota import HOUR_SECONDS, Quota
from eepost.services.mta.relay import Bounds, RelayService
from eepost.services.mta.relay_desk import RelayDesk
from eepost.services.mta.reports import Writer

# What stamps of the three sizes give (`outgoing.stamp_bits`).
STAMP_RECIPIENTS = (20, 40, 80)
TIDY_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What outgoing mail shares with the rest of a core."""

    queue: OutgoingStore
    gateways: Gateways
    delivery: LocalDelivery
    directory: Directory
    conversations: Conversations
    cleaner: Cleaner
    journal: Journal


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """What submission asks, and what runs beside it."""

    outgoing: Outgoing
    relay: RelayService
    months_kept: int

    async def start(self) -> Coroutine[Any, Any, None]:
        """Take over what a crash left, and return what has to run. Raises StoreUnavailable."""
        await self.relay.prepare()
        return self._run()

    def counters(self) -> dict[str, int]:
        """Return what was counted, by name."""
        counted = asdict(self.relay.desk.counts)
        return {f"queue_{name}": count for name, count in counted.items()} | {
            "queue_under_way": self.relay.under_way
        }

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.relay.run())
            group.create_task(self._tidy())

    async def _tidy(self) -> None:
        """Forget, every hour, what is too old: a hash of a recipient lives for a day."""
        while True:
            now = clock.wall_seconds()
            oldest_hour = int(now // HOUR_SECONDS) - WINDOW_HOURS
            oldest_period = thread_period_of(int(now)) - self.months_kept
            with suppress(StoreUnavailable):
                await self.outgoing.store.tidy(oldest_hour, oldest_period)
            await asyncio.sleep(TIDY_SECONDS)


def obstacle(settings: Settings) -> str | None:
    """Return why no mail may leave for the Internet with these settings, None if it may."""
    if not settings.mail.official_domains:
        return "mail.official_domains names no domain that the Internet could answer to"
    if message_id_domain(settings) == settings.mail.domain:
        return (
            "mail.message_id_domain is the internal domain, which must never leave: set it to the"
            " official one (threads that are under way will break once)"
        )
    return None


def make_outgoing(settings: Settings, key: StartKey, around: Surroundings) -> OutgoingMail:
    """Return outgoing mail as the settings say."""
    chosen = settings.outgoing
    hindrance = obstacle(settings)
    sealer = QueueSealer(key, clock.random_octets)
    passed_over = PassedOver(clock.monotonic_seconds)
    lifetime_seconds = chosen.lifetime_hours * 3_600
    desk = RelayDesk(
        store=around.queue,
        gateways=around.gateways,
        sealer=sealer,
        delivery=around.delivery,
        directory=around.directory,
        conversations=around.conversations,
        cleaner=around.cleaner,
        writer=Writer(
            settings.mail.domain,
            message_id_domain(settings),
            lifetime_seconds,
            clock.random_octets,
        ),
        plan=RetryPlan(
            gaps_seconds=tuple(minutes * 60 for minutes in chosen.retry_minutes),
            lifetime_seconds=lifetime_seconds,
            warn_after_seconds=chosen.warn_after_hours * 3_600,
        ),
        passed_over=passed_over,
        internal_domain=settings.mail.domain,
        official_domain=(*settings.mail.official_domains, settings.mail.domain)[0],
        opt_outs=OptOuts(
            around.queue, lambda address: opt_out_tag(key, address), clock.monotonic_seconds
        ),
        now=clock.wall_seconds,
        randomness=clock.random_octets,
        pause=asyncio.sleep,
        fault=around.journal.fault,
    )
    relay = RelayService(desk, Bounds(chosen.at_once, chosen.in_transit_octets))
    outgoing = Outgoing(
        store=around.queue,
        gateways=around.gateways,
        sealer=sealer,
        quota=make_quota(settings, key, around.queue),
        correspondents=make_correspondents(key, around.queue),
        opt_outs=desk.opt_outs,
        room=QueueRoom(around.queue, chosen.queue_octets, clock.monotonic_seconds),
        is_ready=hindrance is None,
        wake=relay.wake,
        last_batch=lambda: relay.last_batch,
    )
    if hindrance is not None and around.gateways.known():
        around.journal.notice("no mail to the Internet", hindrance)
    return OutgoingMail(outgoing, relay, chosen.correspondents_months)


def make_quota(settings: Settings, key: StartKey, store: OutgoingStore) -> Quota:
    """Return what accounts may send."""
    chosen, domains = settings.outgoing, all_domains(settings)
    stamps = tuple(zip(chosen.stamp_bits, STAMP_RECIPIENTS, strict=True))
    return Quota(
        store,
        Limits(chosen.recipients, chosen.messages, stamps),
        holder_tag=lambda account: key.tag("allowance", str(account.number)),
        stamp_key=key.subkey("stamps"),
        resources=lambda account: {f"{account.name}@{domain}" for domain in domains},
        now=clock.wall_seconds,
    )


def make_correspondents(key: StartKey, store: OutgoingStore) -> Correspondents:
    """Return whom accounts wrote to; satisfies `services.mta.ports.Correspondents`."""
    return Correspondents(key.subkey("correspondents"), store.is_correspondent)


def opt_out_tag(key: StartKey, address: Address) -> bytes:
    """Return what stands for a person on the Internet who wants no mail from here."""
    return key.tag("opted out", folded(address))
