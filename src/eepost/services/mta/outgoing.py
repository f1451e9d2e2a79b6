# SPDX-License-Identifier: Apache-2.0
"""What submission asks about mail to the Internet, and what it leaves in the queue's books.

Journey 2, docs/journeys/to-the-internet.md. Trust: users; a recipient's address is any text that
has the form of one.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from eepost.accounts.correspondents import Correspondents, folded
from eepost.accounts.model import Account
from eepost.accounts.preferences import Delay
from eepost.mail.address import Address
from eepost.mail.envelope import Recipient, ReversePath
from eepost.mail.reply import Reply
from eepost.maildrop.model import thread_period_of
from eepost.queue.allowance import Charge, OverQuota
from eepost.queue.books import Entry
from eepost.queue.item import Forward, Item, State
from eepost.queue.release import DEFER_SECONDS, Departure, departs_at
from eepost.queue.sealing import QueueSealer
from eepost.sanitise.outcome import Sanitised
from eepost.services.mta import replies
from eepost.services.mta.opt_outs import OptOuts
from eepost.services.mta.ports import Gateways, OutgoingStore
from eepost.services.mta.queue_room import QueueRoom
from eepost.services.mta.quota import Quota

# Domains that no name server of the Internet knows: I2P's and Tor's own (RFC 7686), and what means
# this machine or this house (RFC 6761, 6762, 8375). One label alone is no domain for mail either.
_NOT_OUTSIDE: Final = frozenset(("i2p", "onion", "local", "localhost", "internal", "arpa"))
_DEPARTURES: Final = {
    Delay.NONE: Departure.AT_ONCE,
    Delay.DEFER: Departure.DEFERRED,
    Delay.BATCH: Departure.BATCHED,
}


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message on its way into the queue, and to whom. Forwards that are final are only told."""

    sender: Account
    reverse_path: ReversePath
    message: Sanitised
    forwards: Sequence[Forward]
    accepted_utc: int
    mark: bytes = b""  # header fields of ours that local copies carry


@dataclass(slots=True)
class Outgoing:
    """All outgoing mail. `is_ready`: the settings allow mail to the Internet to leave."""

    store: OutgoingStore
    gateways: Gateways
    sealer: QueueSealer
    quota: Quota
    correspondents: Correspondents
    opt_outs: OptOuts
    room: QueueRoom
    is_ready: bool
    wake: Callable[[], None]  # there may be something that leaves at once
    last_batch: Callable[[], int]

    @property
    def is_open(self) -> bool:
        """Mail to the Internet is taken."""
        return self.is_ready and bool(self.gateways.known())

    async def refusal(
        self, sender: Account, address: Address, others: Collection[Address]
    ) -> Reply | None:
        """Return why mail to `address` (and `others`) is not taken. Raises StoreUnavailable."""
        if not _is_outside(address.domain):
            return replies.NOT_ON_THE_INTERNET
        if await self.opt_outs.has(address):
            return replies.OPTED_OUT
        if not await self.room.has():
            return replies.QUEUE_FULL
        lack = await self.quota.lack(sender, distinct([*others, address]))
        return replies.over_quota(lack, self.quota.limits) if lack else None

    async def entry(
        self, sender: Account, content: bytes | bytearray, parcel: Parcel | None
    ) -> Entry | None:
        """Return what accepting a message leaves in the books; None: nothing.

        `content` is the message as submitted, `parcel` what waits of it. Raises StoreUnavailable.
        """
        outside = _outside(parcel)
        charge: Charge | None = await self.quota.charge(sender, outside, content)
        if parcel is None:
            return Entry(charge=charge) if charge else None
        item = self._item(parcel)
        return Entry(
            self.sealer.seal_new(item, parcel.message.pieces),
            charge,
            [self.correspondents.tag(sender, each) for each in outside],
            thread_period_of(parcel.accepted_utc),
        )

    def _item(self, parcel: Parcel) -> Item:
        departure = departure_of(parcel.sender)
        departs = departs_at(
            departure, parcel.accepted_utc, self.last_batch(), self.sealer.randomness
        )
        return Item(
            number=self.sealer.number(),
            owner=parcel.sender.number,
            name=parcel.sender.name,
            key=self.sealer.content_key(),
            size_octets=parcel.message.size_octets,
            accepted_utc=parcel.accepted_utc,
            departure=departure,
            departs=departs,
            due=departs,
            forwards=tuple(parcel.forwards),
            returns=parcel.reverse_path.returns,
            envelope_id=parcel.reverse_path.envelope_id,
            mark=parcel.mark,
        )

    async def lack_of_room(self, parcel: Parcel | None) -> Reply | None:
        """Return why a message can't wait here, None if it can. Raises StoreUnavailable."""
        if parcel is None or await self.room.has(parcel.message.size_octets):
            return None
        return replies.QUEUE_FULL

    def accepted(self, sender: Account, parcel: Parcel) -> Reply:
        """Return the reply to a message that waits, and let it leave if it may."""
        self.room.note(parcel.message.size_octets)
        departure = departure_of(sender)
        if departure is Departure.AT_ONCE:
            self.wake()
        return _ACCEPTED[departure]

    def over_quota(self, lack: OverQuota) -> Reply:
        """Return the reply where the store had the last word."""
        return replies.over_quota(lack, self.quota.limits)


_ACCEPTED: Final = {
    Departure.AT_ONCE: replies.LEAVES_AT_ONCE,
    Departure.DEFERRED: replies.leaves_deferred(*DEFER_SECONDS),
    Departure.BATCHED: replies.LEAVES_IN_A_BATCH,
}


def departure_of(sender: Account) -> Departure:
    """Return how a sender's mail leaves."""
    return _DEPARTURES[sender.preferences.delay]


def forward(recipient: Recipient, *, is_local: bool = False) -> Forward:
    """Return a recipient that waits."""
    return Forward(recipient.address, recipient.notify, is_local)


def delivered(recipient: Recipient) -> Forward:
    """Return a recipient who has the message already, to be named in a report at the end."""
    done = forward(recipient, is_local=True)
    return replace(done, state=State.DELIVERED, status="2.1.5")


def distinct(addresses: Collection[Address]) -> list[Address]:
    """Return `addresses` without those that are the same but for case."""
    return list({folded(each): each for each in addresses}.values())


def _outside(parcel: Parcel | None) -> list[Address]:
    return [each.address for each in parcel.forwards if not each.is_local] if parcel else []


def _is_outside(domain: str) -> bool:
    _, dot, last = domain.rpartition(".")
    return bool(dot) and last.lower() not in _NOT_OUTSIDE
