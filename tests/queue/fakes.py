# SPDX-License-Identifier: Apache-2.0
"""An OutgoingStore in memory; it passes the same contract as the real ones."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from eepost.maildrop.model import SealedMessage, SentId
from eepost.maildrop.ports import Delivered, MaildropStore, Outcome, StoreUnavailable
from eepost.queue.allowance import Allowance, OverQuota, count, still_needed
from eepost.queue.books import Entry, Move, Superseded
from eepost.queue.ports import QueueStore
from eepost.queue.sealing import NEVER, StoredItem


@dataclass
class Shelf:
    """What a crash leaves."""

    items: dict[int, StoredItem] = field(default_factory=dict)
    segments: dict[int, list[bytes]] = field(default_factory=dict)
    batch: int = 0
    allowances: dict[bytes, Allowance] = field(default_factory=dict)
    hour_keys: dict[int, bytes] = field(default_factory=dict)
    spent: dict[bytes, int] = field(default_factory=dict)
    correspondents: dict[bytes, int] = field(default_factory=dict)
    opted_out: set[bytes] = field(default_factory=set)


class MemoryQueue(QueueStore):
    """A queue beside `maildrops`. Set `is_unavailable` to let every call fail."""

    def __init__(self, maildrops: MaildropStore, shelf: Shelf | None = None) -> None:
        self.is_unavailable = False
        self.shelf = shelf or Shelf()
        self._maildrops = maildrops

    async def accept(
        self, messages: Sequence[SealedMessage], sent: SentId | None, entry: Entry
    ) -> Outcome | OverQuota:
        self._check()
        charge, shelf = entry.charge, self.shelf
        allowances = dict(shelf.allowances)
        if charge:
            new = [each for each in charge.bonuses if each.tag not in shelf.spent]
            known = allowances.get(charge.holder_tag, Allowance())
            counted = count(known, charge, sum(each.recipients for each in new))
            if isinstance(counted, OverQuota):
                return counted
            allowances[charge.holder_tag] = counted
        outcome = await self._maildrops.deliver(messages, sent)
        if isinstance(outcome, Delivered):
            shelf.allowances = allowances
            if charge:
                shelf.spent.update((each.tag, each.last_day) for each in charge.bonuses)
            if entry.item:
                shelf.items[entry.item.stored.number] = entry.item.stored
                shelf.segments[entry.item.stored.number] = list(entry.item.segments)
            shelf.correspondents.update(dict.fromkeys(entry.written_to, entry.period))
        return outcome

    async def move(
        self, move: Move, messages: Sequence[SealedMessage] = ()
    ) -> Outcome | Superseded:
        self._check()
        found = self.shelf.items.get(move.before.number)
        if found is None or found.record != move.before.record:
            return Superseded()
        if found.lease and not move.is_claimed:
            return Superseded()
        outcome = await self._maildrops.deliver(messages)
        if isinstance(outcome, Delivered):
            if move.after is None:
                del self.shelf.items[found.number], self.shelf.segments[found.number]
            else:
                keeps = move.is_claimed and move.after.lease
                after = replace(move.after, lease=found.lease if keeps else 0)
                self.shelf.items[found.number] = after
        return outcome

    async def claim(self, now: int, latest: int, until: int, count: int) -> Sequence[StoredItem]:
        self._check()
        due = [each for each in self.shelf.items.values() if _is_free(each, now, latest)]
        claimed = [
            replace(each, lease=until) for each in sorted(due, key=lambda each: each.due)[:count]
        ]
        self.shelf.items.update((each.number, each) for each in claimed)
        return claimed

    async def next_due(self, now: int, latest: int) -> bool:
        self._check()
        return any(_is_free(each, now, latest) for each in self.shelf.items.values())

    async def renew(self, numbers: Collection[int], until: int) -> None:
        self._check()
        for number in self.shelf.items.keys() & set(numbers):
            self.shelf.items[number] = replace(self.shelf.items[number], lease=until)

    async def free(self) -> None:
        await self.renew(list(self.shelf.items), 0)

    async def item(self, number: int) -> StoredItem | None:
        self._check()
        return self.shelf.items.get(number)

    async def items(self, after: int, count: int) -> Sequence[StoredItem]:
        self._check()
        numbers = sorted(number for number in self.shelf.items if number > after)
        return [self.shelf.items[number] for number in numbers[:count]]

    async def content(self, number: int, segments: int) -> Sequence[bytes]:
        self._check()
        return self.shelf.segments.get(number, [])[:segments]

    async def octets(self) -> int:
        self._check()
        return sum(len(each) for pieces in self.shelf.segments.values() for each in pieces)

    async def last_batch(self) -> int:
        self._check()
        return self.shelf.batch

    async def note_batch(self, minute: int) -> None:
        self._check()
        self.shelf.batch = minute

    async def allowance(self, holder_tag: bytes) -> Allowance:
        self._check()
        return self.shelf.allowances.get(holder_tag, Allowance())

    async def hour_keys(self, hour: int) -> Mapping[int, bytes]:
        self._check()
        keys = self.shelf.hour_keys
        keys.setdefault(hour, hour.to_bytes(32, "big"))
        return {made: keys[made] for made in still_needed(keys, hour)}

    async def is_correspondent(self, tag: bytes) -> bool:
        self._check()
        return tag in self.shelf.correspondents

    async def opted_out(self) -> frozenset[bytes]:
        self._check()
        return frozenset(self.shelf.opted_out)

    async def opt_out(self, address_tag: bytes, is_out: bool) -> None:
        self._check()
        (self.shelf.opted_out.add if is_out else self.shelf.opted_out.discard)(address_tag)

    async def tidy(self, hour: int, period: int) -> None:
        self._check()
        shelf = self.shelf
        shelf.hour_keys = {h: key for h, key in shelf.hour_keys.items() if hour <= h <= hour + 48}
        shelf.spent = {tag: day for tag, day in shelf.spent.items() if day >= hour // 24}
        shelf.correspondents = {t: p for t, p in shelf.correspondents.items() if p >= period}
        shelf.allowances = {
            tag: known
            for tag, known in shelf.allowances.items()
            if any(hour <= h <= hour + 48 for h, _ in (*known.messages, *known.bonuses))
        }

    def _check(self) -> None:
        if self.is_unavailable:
            raise StoreUnavailable


def _is_free(each: StoredItem, now: int, latest: int) -> bool:
    is_due = each.due <= now or latest < each.due < NEVER
    return is_due and (each.lease <= now or each.lease > latest)
