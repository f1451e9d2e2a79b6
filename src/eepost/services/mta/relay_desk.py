# SPDX-License-Identifier: Apache-2.0
"""What all attempts to let mail leave share."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from eepost.accounts.directory import Directory
from eepost.queue.choice import PassedOver, preference
from eepost.queue.item import Item
from eepost.queue.retry import Randomness, RetryPlan
from eepost.queue.sealing import QueueSealer
from eepost.sanitise.cleaner import Cleaner
from eepost.services.mta.conversations import Conversations
from eepost.services.mta.local import LocalDelivery
from eepost.services.mta.opt_outs import OptOuts
from eepost.services.mta.ports import Gateways, OutgoingStore
from eepost.services.mta.reports import Writer


@dataclass(slots=True)
class RelayCounts:
    """What the relay has done; numbers only. The first three count messages."""

    relayed: int = 0  # over, for everybody
    failed: int = 0  # over, for somebody not
    deferred: int = 0  # attempts after which somebody still waits
    delivered: int = 0  # delayed copies put into maildrops here
    reports: int = 0
    unclean: int = 0  # refused by the rules for what may leave: a fault of ours
    gateways_lost: int = 0
    claims_lost: int = 0
    store_pauses: int = 0  # times that something could not be kept at once
    damaged: int = 0
    faults: int = 0


@dataclass(frozen=True, slots=True)
class RelayDesk:
    """Stores, gateways, rules, time and chance."""

    store: OutgoingStore
    gateways: Gateways
    sealer: QueueSealer
    delivery: LocalDelivery
    directory: Directory
    conversations: Conversations
    cleaner: Cleaner
    writer: Writer
    plan: RetryPlan
    passed_over: PassedOver
    internal_domain: str
    official_domain: str
    opt_outs: OptOuts
    now: Callable[[], float]  # seconds since 1970; may jump
    randomness: Randomness
    pause: Callable[[float], Awaitable[None]]
    fault: Callable[[str, BaseException], None]  # tells the operator
    counts: RelayCounts = field(default_factory=RelayCounts)

    def usable(self) -> list[str]:
        """Return the gateways that may be tried now."""
        return self.passed_over.usable(self.gateways.working())

    def choice(self, item: Item) -> Sequence[str]:
        """Return the gateways that an item may try now, in its order."""
        return preference(item.key, self.usable(), item.gateway)
