# SPDX-License-Identifier: Apache-2.0
"""What accounts may send to the Internet in a day, and the stamps that raise it.

Recipients are known to the store as hashes under keys that are destroyed after a day; nothing
here is counted before the store does it, in one commit with the message.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from eepost.accounts.correspondents import folded
from eepost.accounts.model import Account
from eepost.mail.address import Address
from eepost.queue.allowance import (
    Allowance,
    Bonus,
    Charge,
    Limits,
    OverQuota,
    count,
    current,
    recipient_tags,
)
from eepost.queue.books import Entry
from eepost.queue.hashcash import read_stamp, stamps_in
from eepost.services.mta.ports import OutgoingStore

HOUR_SECONDS = 3_600
_STAMP_TAG_OCTETS = 16
# Accounts whose use is noted; one costs about 300 octets.
MAX_NOTED = 10_000


class HandedIn(Enum):
    """What became of a stamp."""

    COUNTED = "counted"
    COUNTED_BEFORE = "counted before"
    WORTHLESS = "no stamp for this account, or worth nothing"


@dataclass(slots=True)
class _AtMost:
    """What an account has used at most: as it was read, and all that was charged since."""

    recipients: int
    messages: int


@dataclass(slots=True)
class Quota:
    """Counts for all accounts. `resources` are an account's addresses, in lower case."""

    store: OutgoingStore
    limits: Limits
    holder_tag: Callable[[Account], bytes]  # 32 octets that stand for an account in the books
    stamp_key: bytes
    resources: Callable[[Account], Collection[str]]
    now: Callable[[], float]
    _keys: Mapping[int, bytes] = field(default_factory=dict)
    _hour: int | None = None  # that `_keys` are of
    _at_most: OrderedDict[bytes, _AtMost] = field(default_factory=OrderedDict)

    async def lack(self, account: Account, addresses: Collection[Address]) -> OverQuota | None:
        """Say whether there can't be room for mail to `addresses`, whatever stamp comes with it.

        Raises StoreUnavailable.
        """
        if self._surely_fits(self.holder_tag(account), len(addresses)):
            return None
        charge = await self._charge(account, addresses, ())
        known = current(await self.store.allowance(charge.holder_tag), charge.hour)
        self._note(charge.holder_tag, known)
        counted = count(known, charge, self.limits.most_by_a_stamp)
        return counted if isinstance(counted, OverQuota) else None

    def _surely_fits(self, holder_tag: bytes, recipients: int) -> bool:
        """Whether the store need not be asked: it has the last word anyway."""
        used = self._at_most.get(holder_tag)
        return (
            used is not None
            and used.recipients + recipients <= self.limits.recipients
            and used.messages < self.limits.messages
        )

    def _note(self, holder_tag: bytes, known: Allowance) -> None:
        self._at_most[holder_tag] = _AtMost(
            len(known.recipients), sum(many for _, many in known.messages)
        )
        self._at_most.move_to_end(holder_tag)
        if len(self._at_most) > MAX_NOTED:
            self._at_most.popitem(last=False)

    async def charge(
        self, account: Account, addresses: Collection[Address], content: bytes | bytearray
    ) -> Charge | None:
        """Return what is to be counted for a message, with the stamps in it; None for nothing.

        `content` is the message as it was submitted. Raises StoreUnavailable.
        """
        bonuses = self._bonuses(account, stamps_in(content))
        if not bonuses and not addresses:
            return None
        charge = await self._charge(account, addresses, bonuses)
        used = self._at_most.get(charge.holder_tag)
        if used is not None:
            used.recipients += len(charge.recipients)
            used.messages += charge.messages
        return charge

    async def hand_in(self, account: Account, text: str) -> HandedIn:
        """Count a stamp that came without a message. Raises StoreUnavailable."""
        bonuses = self._bonuses(account, [text])
        if not bonuses:
            return HandedIn.WORTHLESS
        charge = await self._charge(account, (), bonuses)
        before = await self.store.allowance(charge.holder_tag)
        await self.store.accept([], None, Entry(charge=charge))
        after = await self.store.allowance(charge.holder_tag)
        is_new = len(after.bonuses) > len(before.bonuses)
        return HandedIn.COUNTED if is_new else HandedIn.COUNTED_BEFORE

    async def _charge(
        self, account: Account, addresses: Iterable[Address], bonuses: Iterable[Bonus]
    ) -> Charge:
        hour = int(self.now() // HOUR_SECONDS)
        holder_tag = self.holder_tag(account)
        recipients = [folded(each) for each in addresses]
        tags = recipient_tags(await self._hour_keys(hour), hour, holder_tag, recipients)
        return Charge(
            holder_tag, hour, self.limits, tags, messages=int(bool(tags)), bonuses=tuple(bonuses)
        )

    async def _hour_keys(self, hour: int) -> Mapping[int, bytes]:
        if hour != self._hour:
            keys = await self.store.hour_keys(hour)
            self._keys, self._hour = keys, hour
        return self._keys

    def _bonuses(self, account: Account, texts: Iterable[str]) -> list[Bonus]:
        found = (read_stamp(text, self.resources(account), int(self.now())) for text in texts)
        stamps = {stamp.text: stamp for stamp in found if stamp}
        return [
            Bonus(self._stamp_tag(stamp.text), stamp.last_day, worth)
            for stamp in stamps.values()
            if (worth := self.limits.worth(stamp.bits))
        ]

    def _stamp_tag(self, text: str) -> bytes:
        return hashlib.blake2b(
            text.encode("ascii"), key=self.stamp_key, digest_size=_STAMP_TAG_OCTETS
        ).digest()
