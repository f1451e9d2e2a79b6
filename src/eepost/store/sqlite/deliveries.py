# SPDX-License-Identifier: Apache-2.0
"""Puts sealed messages into maildrops, inside the lane's transaction."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from eepost.maildrop.model import SealedMessage
from eepost.maildrop.ports import Delivered, Outcome, TakenBefore
from eepost.queue.allowance import OverQuota
from eepost.queue.books import Superseded
from eepost.queue.sealing import SealedItem
from eepost.store.sqlite.bookkeeping import Bookkeeping
from eepost.store.sqlite.ledger import Ledger
from eepost.store.sqlite.statements import (
    COLUMNS,
    MAX_LARGE_ROWS,
    MAX_ROWS,
    filled,
    insertion,
    usage_update,
)
from eepost.store.sqlite.work import Delivery, Portion


def deliver(
    connection: sqlite3.Connection, ledger: Ledger, deliveries: Sequence[Delivery]
) -> list[Outcome | OverQuota | Superseded | TakenBefore]:
    """Write every delivery that nothing stands against; return what became of each."""
    if not deliveries:
        return []
    ledger.load(connection, {m.account for each in deliveries for m in each.messages})
    books = Bookkeeping(ledger.records)
    books.load(connection, deliveries)
    outcomes = [_admit(ledger, books, each) for each in deliveries]
    accepted = [
        each
        for each, outcome in zip(deliveries, outcomes, strict=True)
        if isinstance(outcome, Delivered)
    ]
    messages = [message for each in accepted for message in each.messages]
    _insert_encapsulations(connection, ledger, messages)
    _insert(
        connection,
        "message",
        [(m.account, m.number, m.encapsulation.number, m.padded_octets, m.entry) for m in messages],
    )
    _insert(connection, "body", [(m.number, m.account, m.segments[0]) for m in messages])
    _insert(
        connection,
        "known_id",
        [(m.account, tag, m.thread_period) for m in messages for tag in m.thread_tags],
    )
    _insert(
        connection,
        "sent_id",
        [
            (sent.account, sent.tag, sent.sealed, sent.period)
            for each in accepted
            if (sent := each.sent) is not None
        ],
    )
    whole = [each for each in accepted if not each.rest_is_stored]
    rest = segments_behind_first(m for each in whole for m in each.messages)
    _insert(connection, "segment", list(rest), MAX_LARGE_ROWS)
    items = (each.item for each in whole if each.item)
    rows = [row for item in items for row in rows_of_item(item)]
    _insert(connection, "queue_segment", rows, MAX_LARGE_ROWS)
    for table, entered in books.rows().items():
        _insert(connection, table, entered)
    books.move(connection)
    return outcomes


def _admit(
    ledger: Ledger, books: Bookkeeping, delivery: Delivery
) -> Outcome | OverQuota | Superseded | TakenBefore:
    refusal = books.refusal(delivery)
    if refusal is not None:
        return refusal
    outcome = ledger.admit(delivery.messages)
    if isinstance(outcome, Delivered):
        books.enter(delivery)
    return outcome


def store_portion(
    connection: sqlite3.Connection, ledger: Ledger, portion: Portion
) -> Outcome | None:
    """Write segments ahead of what they belong to, or return why that would be refused."""
    ledger.load(connection, {message.account for message in portion.messages})
    refusal = ledger.refusal(portion.messages)
    if refusal is None:
        _insert(connection, portion.table, portion.segments, MAX_LARGE_ROWS)
    return refusal


def segments_behind_first(messages: Iterable[SealedMessage]) -> Iterable[tuple[int, int, bytes]]:
    """Yield (message, at, octets) of every segment that has no place in `body`."""
    for message in messages:
        for at in range(1, len(message.segments)):
            yield message.number, at, message.segments[at]


def rows_of_item(item: SealedItem) -> Iterable[tuple[int, int, bytes]]:
    """Yield (item, at, octets) of every segment of an item's content."""
    for at, octets in enumerate(item.segments):
        yield item.stored.number, at, octets


def write_usage(connection: sqlite3.Connection, ledger: Ledger) -> None:
    """Write how full the maildrops are that the transaction changed."""
    rows = [
        (account, room.octets, room.messages)
        for account in ledger.changed
        if (room := ledger.rooms[account]) is not None
    ]
    for size, parameters in filled(rows, len(COLUMNS["usage"])):
        connection.execute(usage_update(size), parameters)


def _insert_encapsulations(
    connection: sqlite3.Connection, ledger: Ledger, messages: Iterable[SealedMessage]
) -> None:
    new = {
        message.encapsulation.number: message.encapsulation
        for message in messages
        if message.encapsulation.number not in ledger.encapsulations
    }
    rows = [(e.account, e.number, e.generation, e.octets) for e in new.values()]
    _insert(connection, "encapsulation", rows)
    # Known from here on; should the commit fail, the ledger forgets everything.
    ledger.encapsulations.update(new)


def _insert(
    connection: sqlite3.Connection,
    table: str,
    rows: Sequence[tuple[Any, ...]],
    most: int = MAX_ROWS,
) -> None:
    for size, parameters in filled(rows, len(COLUMNS[table]), most):
        connection.execute(insertion(table, size), parameters)
