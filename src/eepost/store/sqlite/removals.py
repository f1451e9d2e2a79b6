# SPDX-License-Identifier: Apache-2.0
"""Takes messages out of maildrops, inside the lane's transaction."""

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from eepost.store.sqlite.ledger import Ledger
from eepost.store.sqlite.statements import IN_LIST, as_list
from eepost.store.sqlite.work import Cleaning

_CHOSEN = f"""
    SELECT json_group_array(json_array(number, encapsulation, padded_octets))
    FROM message WHERE account = ? AND number {IN_LIST}
"""  # noqa: S608 - constant text, here and below
_ALL = """
    SELECT json_group_array(json_array(number, encapsulation, padded_octets))
    FROM message WHERE account = ?
"""
_DELETE_MESSAGES = f"DELETE FROM message WHERE account = ? AND number {IN_LIST}"  # noqa: S608
_DELETE_BODIES = f"DELETE FROM body WHERE number {IN_LIST}"  # noqa: S608
_DELETE_SEGMENTS = f"DELETE FROM segment WHERE message {IN_LIST}"  # noqa: S608
_DISCARD = f"""
    DELETE FROM segment WHERE message {IN_LIST}
    AND NOT EXISTS (SELECT 1 FROM body WHERE body.number = segment.message)
"""  # noqa: S608
_DISCARD_OF_ITEMS = f"""
    DELETE FROM queue_segment WHERE item {IN_LIST}
    AND NOT EXISTS (SELECT 1 FROM queue_item WHERE queue_item.number = queue_segment.item)
"""  # noqa: S608
_DELETE_UNUSED_KEYS = f"""
    DELETE FROM encapsulation WHERE account = ? AND number {IN_LIST}
    AND number NOT IN (SELECT encapsulation FROM message WHERE account = ?)
"""  # noqa: S608
_FORGET_THREADS = tuple(
    f"DELETE FROM {table} WHERE account = ?"  # noqa: S608
    for table in ("known_id", "sent_id")
)
_FORGET_OLD_THREADS = tuple(
    f"DELETE FROM {table} WHERE period < ?"  # noqa: S608
    for table in ("known_id", "sent_id")
)
_ORPHANS = (
    """
    SELECT json_group_array(DISTINCT message) FROM segment
    WHERE NOT EXISTS (SELECT 1 FROM body WHERE body.number = segment.message)
    """,
    """
    SELECT json_group_array(DISTINCT item) FROM queue_segment
    WHERE NOT EXISTS (SELECT 1 FROM queue_item WHERE queue_item.number = queue_segment.item)
    """,
)


def remove(
    connection: sqlite3.Connection, ledger: Ledger, account: int, numbers: Sequence[int]
) -> int:
    """Delete those of `numbers` that are the account's and return how many there were."""
    return _remove(connection, ledger, account, (_CHOSEN, (account, as_list(numbers))))


def empty(connection: sqlite3.Connection, ledger: Ledger, account: int) -> int:
    """Delete all messages and threads of the account; return how many messages there were."""
    for statement in _FORGET_THREADS:
        connection.execute(statement, (account,))
    return _remove(connection, ledger, account, (_ALL, (account,)))


def discard(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Delete segments that were stored ahead of messages and items which never came."""
    chosen = as_list(numbers)
    connection.execute(_DISCARD, (chosen,))
    connection.execute(_DISCARD_OF_ITEMS, (chosen,))


def clean(connection: sqlite3.Connection, cleaning: Cleaning) -> int:
    """Delete segments without a message; return of how many messages there were any."""
    for statement in _FORGET_OLD_THREADS:
        connection.execute(statement, (cleaning.forget_before,))
    connection.execute("DELETE FROM arrival WHERE day < ?", (cleaning.arrivals_before,))
    found = (connection.execute(query).fetchone()[0] for query in _ORPHANS)
    orphans = {number for each in found for number in msgspec.json.decode(each)}
    orphans -= cleaning.under_way
    if orphans:
        discard(connection, orphans)
    return len(orphans)


def _remove(
    connection: sqlite3.Connection,
    ledger: Ledger,
    account: int,
    chosen: tuple[str, tuple[object, ...]],
) -> int:
    ledger.load(connection, (account,))
    rows = msgspec.json.decode(connection.execute(*chosen).fetchone()[0])
    if not rows:
        return 0
    numbers = as_list(row[0] for row in rows)
    encapsulations = {row[1] for row in rows}
    connection.execute(_DELETE_MESSAGES, (account, numbers))
    connection.execute(_DELETE_BODIES, (numbers,))
    connection.execute(_DELETE_SEGMENTS, (numbers,))
    connection.execute(_DELETE_UNUSED_KEYS, (account, as_list(encapsulations), account))
    # Some may be in use still; they are offered once more with the next message, and ignored.
    ledger.encapsulations -= encapsulations
    ledger.release(account, len(rows), sum(row[2] for row in rows))
    return len(rows)
