# SPDX-License-Identifier: Apache-2.0
"""Hands deliveries to the lane: small ones whole, large ones in portions that hold nobody up."""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eepost.maildrop.model import SealedMessage
from eepost.maildrop.ports import Delivered
from eepost.store.sqlite.deliveries import rows_of_item, segments_behind_first
from eepost.store.sqlite.lane import Lane
from eepost.store.sqlite.work import Delivery, Discard, Portion, Work

# What is larger comes in portions, so that a mail of 10 MB holds nobody up for longer than the
# writing of one takes (some 5 ms).
PORTION_OCTETS = 1024 * 1024

_Row = tuple[int, int, bytes]


@dataclass(slots=True, repr=False)  # a repr must not show what passes through
class Intake:
    """Called in the event loop's thread. `under_way`: numbers whose segments are on their way."""

    lane: Lane
    under_way: set[int] = field(default_factory=set)

    def take(self, delivery: Delivery) -> Awaitable[Any]:
        """Do all of `delivery` or nothing; durable when it returns its outcome."""
        octets = _octets(delivery)
        if octets > 2 * PORTION_OCTETS:
            return self._take_in_portions(delivery)
        return self.lane.submit(_measured(delivery, octets))

    def leave(self, work: Work) -> "asyncio.Future[Any]":
        """Hand over work that nobody waits for."""
        future = self.lane.submit(work)
        # If it fails, the next start cleans up, the next poll claims.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        return future

    async def _take_in_portions(self, delivery: Delivery) -> Any:
        numbers = frozenset(_numbers(delivery))
        self.under_way |= numbers
        outcome: Any = None
        try:
            for portion in _portions(delivery):
                outcome = await self.lane.submit(portion)
                if outcome is not None:
                    return outcome
            octets = sum(len(message.segments[0]) for message in delivery.messages)
            last = replace(delivery, octets=octets, rest_is_stored=True)
            outcome = await self.lane.submit(last)
            return outcome
        finally:
            self.under_way -= numbers
            if not isinstance(outcome, Delivered):
                # Also where the session was cancelled while the lane delivered after all: the
                # lane keeps the order, and segments that have their message are not discarded.
                self.leave(Discard(tuple(numbers)))


def _measured(delivery: Delivery, octets: int) -> Delivery:
    # As replace() would, at a tenth of its cost: this is done for every message.
    return Delivery(
        delivery.messages,
        octets,
        delivery.rest_is_stored,
        delivery.sent,
        delivery.entry,
        delivery.move,
        delivery.arrival,
    )


def _octets(delivery: Delivery) -> int:
    octets = sum(
        len(message.entry) + sum(map(len, message.segments)) for message in delivery.messages
    )
    item = delivery.item
    return octets + (sum(map(len, item.segments)) if item else 0)


def _numbers(delivery: Delivery) -> Iterator[int]:
    yield from (message.number for message in delivery.messages)
    if delivery.item:
        yield delivery.item.stored.number


def _portions(delivery: Delivery) -> Iterator[Portion]:
    messages = delivery.messages
    yield from _cut(messages, "segment", segments_behind_first(messages))
    if delivery.item:
        yield from _cut(messages, "queue_segment", rows_of_item(delivery.item))


def _cut(messages: Sequence[SealedMessage], table: str, rows: Iterable[_Row]) -> Iterator[Portion]:
    part: list[_Row] = []
    octets = 0
    for row in rows:
        part.append(row)
        octets += len(row[2])
        if octets >= PORTION_OCTETS:
            yield Portion(messages, part, octets, table)
            part, octets = [], 0
    if part:
        yield Portion(messages, part, octets, table)
