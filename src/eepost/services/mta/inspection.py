# SPDX-License-Identifier: Apache-2.0
"""What operators and senders can see of the queue and do to it, while the relay works on it too.

Items are sealed, so a rule is tried on each: some 20 us, page by page.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from enum import Enum

from eepost.maildrop.ports import Delivered
from eepost.queue.books import Move
from eepost.queue.item import Item, State
from eepost.queue.lifecycle import CANCELLED, give_up, hold, release, retry
from eepost.queue.release import minute_of
from eepost.queue.sealing import QueueSealer, StoredItem
from eepost.seal.broken import SealBroken
from eepost.services.mta.ports import OutgoingStore

PAGE_ITEMS = 200


@dataclass(frozen=True, slots=True)
class Rule:
    """Which items are meant: those that fit everything that is given."""

    account: str | None = None  # a name
    recipient: str | None = None  # an address, or "@domain"; lower case
    older_than_seconds: float | None = None
    number: str | None = None  # how its name begins
    is_held: bool = False
    has_not_left: bool = False

    def fits(self, item: Item, now_utc: float) -> bool:
        """Say whether an item is meant."""
        return (
            (self.account is None or item.name == self.account)
            and (self.recipient is None or _is_for(item, self.recipient))
            and (
                self.older_than_seconds is None
                or now_utc - item.accepted_utc > self.older_than_seconds
            )
            and (self.number is None or name_of(item.number).startswith(self.number))
            and (item.is_held or not self.is_held)
            and not (item.attempt and self.has_not_left)
        )

    def fits_damaged(self, stored: StoredItem) -> bool:
        """Say whether an item is meant that nobody can open."""
        return replace(self, number=None) == Rule() and (
            self.number is None or name_of(stored.number).startswith(self.number)
        )


class Verb(Enum):
    """What can be done to an item."""

    HOLD = "held"
    RELEASE = "released"
    RETRY = "on their way"
    CANCEL = "cancelled"  # its sender is told
    DROP = "dropped"  # nobody is


_CHANGES: dict[Verb, Callable[[Item, float], Item]] = {
    Verb.HOLD: lambda item, _: hold(item),
    Verb.RELEASE: lambda item, _: release(item),
    Verb.RETRY: retry,
    Verb.CANCEL: lambda item, now: give_up(item, now, CANCELLED),
}


@dataclass(frozen=True, slots=True)
class Found:
    """An item and how it stands; `item` is None where it is damaged."""

    stored: StoredItem
    item: Item | None
    is_leaving: bool  # at this moment


@dataclass(slots=True)
class Done:
    """How many items were changed, and how many could not be because they are leaving."""

    changed: int = 0
    leaving: int = 0


@dataclass(frozen=True, slots=True)
class Inspection:
    """Looks at a queue. Every call may raise StoreUnavailable."""

    store: OutgoingStore
    sealer: QueueSealer
    now: Callable[[], float]

    async def find(self, rule: Rule) -> AsyncIterator[Found]:
        """Yield the items that `rule` means, in no particular order."""
        async for page in self._pages(rule):
            for found in page:
                yield found

    async def change(self, rule: Rule, verb: Verb) -> Done:
        """Do something to all items that `rule` means; what is damaged can only be dropped."""
        done = Done()
        async for page in self._pages(rule):
            able = [each for each in page if each.item or verb is Verb.DROP]
            changed = await asyncio.gather(*(self._change(each, verb) for each in able))
            done.changed += sum(changed)
            done.leaving += len(changed) - sum(changed)
        return done

    async def _pages(self, rule: Rule) -> AsyncIterator[list[Found]]:
        after = -1
        while page := await self.store.items(after, PAGE_ITEMS):
            opened = map(self._open, page)
            yield [found for found in opened if self._is_meant(rule, found)]
            after = page[-1].number

    async def _change(self, found: Found, verb: Verb) -> bool:
        after = None
        if found.item and verb is not Verb.DROP:
            after = self.sealer.seal(_CHANGES[verb](found.item, self.now()))
        return isinstance(await self.store.move(Move(found.stored, after)), Delivered)

    def _open(self, stored: StoredItem) -> Found:
        try:
            item = self.sealer.open(stored)
        except SealBroken:
            item = None
        return Found(stored, item, stored.lease > minute_of(self.now()))

    def _is_meant(self, rule: Rule, found: Found) -> bool:
        if found.item is None:
            return rule.fits_damaged(found.stored)
        return rule.fits(found.item, self.now())


def name_of(number: int) -> str:
    """Return how an item is called: sixteen hexadecimal digits that mean nothing."""
    return f"{number:016x}"


def _is_for(item: Item, recipient: str) -> bool:
    waiting = [str(each.address).lower() for each in item.forwards if each.state is State.WAITING]
    return any(
        each == recipient or (recipient.startswith("@") and each.endswith(recipient))
        for each in waiting
    )
