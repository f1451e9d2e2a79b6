# SPDX-License-Identifier: Apache-2.0
"""Keeps the books inside the lane's transaction: queue items, allowances, stamps, arrivals.

Duty: see what a batch of deliveries wants there, refuse what can't be, and write the rest in a
few statements whatever the batch's size.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from eepost.maildrop.ports import TakenBefore
from eepost.queue.allowance import Allowance, Charge, OverQuota, count
from eepost.queue.books import Move, Superseded
from eepost.store.records import Records
from eepost.store.sqlite.statements import IN_LIST, as_list, chosen, filled, item_update
from eepost.store.sqlite.work import Delivery

_ITEMS = f"SELECT number, lease, record FROM queue_item WHERE number {IN_LIST}"  # noqa: S608
_DELETE_ITEMS = f"DELETE FROM queue_item WHERE number {IN_LIST}"  # noqa: S608
_DELETE_SEGMENTS = f"DELETE FROM queue_segment WHERE item {IN_LIST}"  # noqa: S608
_ALLOWANCES = "SELECT holder_tag, record FROM allowance WHERE holder_tag"
_ARRIVED = "SELECT tag FROM arrival WHERE tag"
_SPENT = "SELECT stamp_tag FROM spent_stamp WHERE stamp_tag"


@dataclass(slots=True, repr=False)  # a repr must not show what passes through
class Bookkeeping:
    """The books as they are after what was entered so far in this transaction."""

    records: Records
    _items: dict[int, tuple[int, bytes]] = field(default_factory=dict)  # lease, record
    _allowances: dict[bytes, Allowance] = field(default_factory=dict)
    _spent: set[bytes] = field(default_factory=set)
    _entered: list[Delivery] = field(default_factory=list)
    _charged: dict[bytes, int] = field(default_factory=dict)  # holder's tag -> hour
    _stamps: list[tuple[bytes, int]] = field(default_factory=list)
    _arrived: set[bytes] = field(default_factory=set)

    def load(self, connection: sqlite3.Connection, deliveries: Iterable[Delivery]) -> None:
        """Read what has to be known of the books."""
        moved = [each.move.before.number for each in deliveries if each.move]
        charges = [c for each in deliveries if (c := _charge(each))]
        if moved:
            for number, lease, record in connection.execute(_ITEMS, (as_list(moved),)):
                self._items[number] = (lease, record)
        arrivals = [tag for each in deliveries if each.arrival for tag in each.arrival.tags]
        if arrivals:
            self._arrived.update(tag for (tag,) in chosen(connection, _ARRIVED, arrivals))
        if charges:
            self._load_allowances(connection, {each.holder_tag for each in charges})
            self._load_spent(connection, [b.tag for each in charges for b in each.bonuses])

    def refusal(self, delivery: Delivery) -> OverQuota | Superseded | TakenBefore | None:
        """Return why the delivery can't be, None if the books have nothing against it."""
        if delivery.arrival and not self._arrived.isdisjoint(delivery.arrival.tags):
            return TakenBefore()
        if delivery.move and not self._fits(delivery.move):
            return Superseded()
        charge = _charge(delivery)
        counted = self._count(charge) if charge else None
        return counted if isinstance(counted, OverQuota) else None

    def enter(self, delivery: Delivery) -> None:
        """Take the delivery into the books; `refusal` had nothing against it."""
        self._entered.append(delivery)
        if delivery.arrival:
            self._arrived.update(delivery.arrival.tags)
        charge = _charge(delivery)
        if charge:
            counted = self._count(charge)
            assert isinstance(counted, Allowance)  # noqa: S101 - refusal() looked
            self._allowances[charge.holder_tag] = counted
            self._charged[charge.holder_tag] = charge.hour
            for bonus in charge.bonuses:
                if bonus.tag not in self._spent:
                    self._stamps.append((bonus.tag, bonus.last_day))
                    self._spent.add(bonus.tag)
        move = delivery.move
        if move and move.after:
            self._items[move.after.number] = (move.after.lease, move.after.record)
        elif move:
            del self._items[move.before.number]

    def rows(self) -> dict[str, Sequence[tuple[Any, ...]]]:
        """Return the rows to be inserted, by their table."""
        entries = [each.entry for each in self._entered if each.entry]
        return {
            "queue_item": [
                (item.stored.number, item.stored.due, 0, item.padded_octets, item.stored.record)
                for each in entries
                if (item := each.item)
            ],
            "allowance": [
                (tag, hour, self.records.seal_allowance(tag, self._allowances[tag]))
                for tag, hour in self._charged.items()
            ],
            "spent_stamp": self._stamps,
            "arrival": [
                (tag, each.arrival.day)
                for each in self._entered
                if each.arrival
                for tag in each.arrival.tags
            ],
            "correspondent": [(tag, each.period) for each in entries for tag in each.written_to],
        }

    def move(self, connection: sqlite3.Connection) -> None:
        """Change and delete the items that moved."""
        last = {move.before.number: move for each in self._entered if (move := each.move)}
        gone = as_list(number for number, move in last.items() if move.after is None)
        if gone != "[]":
            connection.execute(_DELETE_ITEMS, (gone,))
            connection.execute(_DELETE_SEGMENTS, (gone,))
        rows = [
            (after.number, after.due, after.record, int(move.is_claimed and after.lease > 0))
            for move in last.values()
            if (after := move.after)
        ]
        for size, parameters in filled(rows, 4):
            connection.execute(item_update(size), parameters)

    def _fits(self, move: Move) -> bool:
        lease, record = self._items.get(move.before.number, (0, b""))
        return record == move.before.record and (move.is_claimed or not lease)

    def _count(self, charge: Charge) -> Allowance | OverQuota:
        bonus = sum(each.recipients for each in charge.bonuses if each.tag not in self._spent)
        return count(self._allowances.get(charge.holder_tag, Allowance()), charge, bonus)

    def _load_allowances(self, connection: sqlite3.Connection, tags: Iterable[bytes]) -> None:
        for tag, record in chosen(connection, _ALLOWANCES, tags):
            self._allowances[tag] = self.records.open_allowance(tag, record)

    def _load_spent(self, connection: sqlite3.Connection, tags: Iterable[bytes]) -> None:
        self._spent.update(tag for (tag,) in chosen(connection, _SPENT, tags))


def _charge(delivery: Delivery) -> Charge | None:
    return delivery.entry.charge if delivery.entry else None
