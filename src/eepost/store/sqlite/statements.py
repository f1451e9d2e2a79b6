# SPDX-License-Identifier: Apache-2.0
"""Statements of the lane and the readers, written so that each costs few steps.

Python's sqlite3 gives the interpreter up at every step and must win it back from a busy event
loop. Measured beside a thread that computes: batches of 30 deliveries with `executemany` came to
710 a second, the same rows in one statement each to 2,750; reading 36 bodies row by row took
10 ms, packed into one row 0.6 ms. Therefore the text stands here by hand instead of coming from
SQLAlchemy: many rows go in by one VALUES list, and come out as one row (`packed`).
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

import msgspec

# Rows in one statement: powers of two up to this, filled up with rows of NULL that are left out,
# so that a handful of texts stays prepared whatever the batch's size.
MAX_ROWS = 64
# Large segments: a prepared statement holds what was last bound to it, 1 MiB then.
MAX_LARGE_ROWS = 4

COLUMNS: Final = {
    "message": ("account", "number", "encapsulation", "padded_octets", "entry"),
    "body": ("number", "account", "octets"),
    "segment": ("message", "at", "octets"),
    "encapsulation": ("account", "number", "generation", "octets"),
    "known_id": ("account", "tag", "period"),
    "sent_id": ("account", "tag", "sealed", "period"),
    "usage": ("account", "octets", "messages"),
    "queue_item": ("number", "due", "lease", "padded_octets", "record"),
    "queue_segment": ("item", "at", "octets"),
    "allowance": ("holder_tag", "hour", "record"),
    "spent_stamp": ("stamp_tag", "day"),
    "arrival": ("tag", "day"),
    "correspondent": ("tag", "period"),
}

_VERBS: Final = {
    "encapsulation": "INSERT OR IGNORE",  # comes with each message until it is known to be stored
    "allowance": "INSERT OR REPLACE",
    "correspondent": "INSERT OR REPLACE",  # remembered from the last message on
    "known_id": "INSERT OR REPLACE",  # a thread that goes on is remembered from its last message
    "sent_id": "INSERT OR REPLACE",  # programs send a message again under the same identifier
}

IN_LIST = "IN (SELECT value FROM json_each(?))"


@cache  # a few dozen texts: tables times sizes
def insertion(table: str, rows: int) -> str:
    """Return an INSERT of `rows` rows; those that begin with NULL are left out."""
    verb = _VERBS.get(table, "INSERT")
    columns = COLUMNS[table]
    return (
        f"{verb} INTO {table} ({', '.join(columns)})"  # noqa: S608 - names are ours
        f" SELECT * FROM (VALUES {_places(len(columns), rows)}) WHERE column1 IS NOT NULL"
    )


@cache
def usage_update(rows: int) -> str:
    """Return an UPDATE that sets octets and messages of `rows` maildrops."""
    return (
        "UPDATE usage SET octets = new.column2, messages = new.column3"  # noqa: S608
        f" FROM (VALUES {_places(3, rows)}) AS new WHERE usage.account = new.column1"
    )


def item_update(rows: int) -> str:
    """Return an UPDATE of `rows` items: number, due, record, and 0 to end their lease."""
    return (
        "UPDATE queue_item SET due = new.column2, record = new.column3,"  # noqa: S608
        f" lease = lease * new.column4 FROM (VALUES {_places(4, rows)}) AS new"
        " WHERE queue_item.number = new.column1"
    )


def chosen(
    connection: sqlite3.Connection, query: str, tags: Iterable[bytes]
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of `query`, which ends with a column's name, for those of `tags`."""
    for size, parameters in filled([(tag,) for tag in tags], 1):
        yield from connection.execute(f"{query} IN ({', '.join('?' * size)})", parameters)


def filled(
    rows: Sequence[tuple[Any, ...]], width: int, most: int = MAX_ROWS
) -> Iterator[tuple[int, list[Any]]]:
    """Yield how many rows a statement takes and its parameters, until all rows are in."""
    for start in range(0, len(rows), most):
        part = rows[start : start + most]
        size = 1 << (len(part) - 1).bit_length()
        parameters = list(chain.from_iterable(part))
        parameters.extend([None] * (width * (size - len(part))))
        yield size, parameters


def as_list(numbers: Iterable[int]) -> str:
    """Return the parameter of IN_LIST."""
    return json.dumps(list(numbers))


def packed(columns: str, octets: str, source: str) -> str:
    """Return a query that gives all of `source` as one row: a JSON list of rows, and octets.

    `columns` are numbers; each JSON row ends with the length of what it has in `octets`.
    """
    return (
        f"SELECT json_group_array(json_array({columns}, length({octets}))),"  # noqa: S608
        f" CAST(group_concat({octets}, '') AS BLOB) FROM {source}"
    )


def unpacked(row: tuple[str, bytes | None]) -> Iterator[tuple[list[int], bytes]]:
    """Yield the numbers and the octets of each row that `packed` put together."""
    rows: list[list[int]] = msgspec.json.decode(row[0])
    octets = memoryview(row[1] or b"")
    at = 0
    for numbers in rows:
        end = at + numbers.pop()
        yield numbers, bytes(octets[at:end])
        at = end


def _places(columns: int, rows: int) -> str:
    return ", ".join([f"({', '.join('?' * columns)})"] * rows)
