# SPDX-License-Identifier: Apache-2.0
"""The queue in SQLite: what writes goes through the lane, what reads through the readers."""

import sqlite3
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eepost.maildrop.model import SealedMessage, SentId
from eepost.maildrop.ports import Outcome
from eepost.queue.allowance import Allowance, OverQuota, still_needed
from eepost.queue.books import Entry, Move, Superseded
from eepost.queue.sealing import NEVER, StoredItem
from eepost.store.records import Records
from eepost.store.sqlite.intake import Intake
from eepost.store.sqlite.lane import Lane
from eepost.store.sqlite.readers import Readers
from eepost.store.sqlite.statements import IN_LIST, as_list
from eepost.store.sqlite.work import Call, Delivery

_FREE = "(due <= :now OR due > :latest AND due < :never) AND (lease <= :now OR lease > :latest)"
_ANY_DUE = f"SELECT 1 FROM queue_item WHERE {_FREE} LIMIT 1"  # noqa: S608 - constant, here and below
_CLAIM = f"""
    UPDATE queue_item SET lease = :until WHERE number IN
    (SELECT number FROM queue_item WHERE {_FREE} ORDER BY due LIMIT :count)
    RETURNING number, due, record, lease
"""  # noqa: S608
_RENEW = f"UPDATE queue_item SET lease = ? WHERE number {IN_LIST}"  # noqa: S608
_ITEM = "SELECT number, due, record, lease FROM queue_item WHERE number = ?"
_ITEMS = """
    SELECT number, due, record, lease FROM queue_item WHERE number > ? ORDER BY number LIMIT ?
"""
_CONTENT = "SELECT octets FROM queue_segment WHERE item = ? AND at < ? ORDER BY at"
_OCTETS = "SELECT coalesce(sum(length(octets)), 0) FROM queue_segment"
_NOTE_BATCH = "INSERT OR REPLACE INTO batch (id, minute) VALUES (1, ?)"
_HOUR_KEYS = "SELECT hour, sealed FROM hour_key"
_NEW_HOUR_KEY = "INSERT INTO hour_key (hour, sealed) VALUES (?, ?)"
_TIDY = (
    "DELETE FROM hour_key WHERE hour < :hour OR hour > :ahead",
    "DELETE FROM allowance WHERE hour < :hour OR hour > :ahead",
    "DELETE FROM spent_stamp WHERE day < :day",
    "DELETE FROM correspondent WHERE period < :period",
)


@dataclass(slots=True, repr=False)  # a repr must not show what passes through
class SqliteQueue:
    """Satisfies `eepost.services.mta.ports.OutgoingStore`; called in the event loop's thread."""

    lane: Lane
    intake: Intake
    readers: Readers
    records: Records

    def accept(
        self, messages: Sequence[SealedMessage], sent: SentId | None, entry: Entry
    ) -> Awaitable[Outcome | OverQuota]:
        """Deliver, and write `entry` into the books, or do neither; durable when it returns."""
        return self.intake.take(Delivery(messages, sent=sent, entry=entry))

    def move(
        self, move: Move, messages: Sequence[SealedMessage] = ()
    ) -> Awaitable[Outcome | Superseded]:
        """Change an item and deliver, or do neither; durable when it returns."""
        return self.intake.take(Delivery(messages, move=move))

    async def claim(self, now: int, latest: int, until: int, count: int) -> Sequence[StoredItem]:
        """Return up to `count` items that are due and nobody else works on, and reserve them."""
        times = {"now": now, "latest": latest, "never": NEVER, "until": until, "count": count}

        def run(connection: sqlite3.Connection) -> list[StoredItem]:
            return [StoredItem(*row) for row in connection.execute(_CLAIM, times)]

        claimed: list[StoredItem] = await self.lane.submit(Call(run))
        return claimed

    async def next_due(self, now: int, latest: int) -> bool:
        """Say whether `claim` would give something."""
        times = {"now": now, "latest": latest, "never": NEVER}
        found = await self.readers.run(lambda c: c.execute(_ANY_DUE, times).fetchone())
        return found is not None

    async def renew(self, numbers: Collection[int], until: int) -> None:
        """Reserve items that were claimed for longer; 0 gives them back."""
        await self._change(_RENEW, (until, as_list(numbers)))

    async def free(self) -> None:
        """Give back all items: for a program that is the only one to claim, at its start."""
        await self._change("UPDATE queue_item SET lease = 0 WHERE lease > 0", ())

    async def item(self, number: int) -> StoredItem | None:
        """Return an item, None where it is gone."""
        row = await self.readers.run(lambda c: c.execute(_ITEM, (number,)).fetchone())
        return StoredItem(*row) if row else None

    async def items(self, after: int, count: int) -> Sequence[StoredItem]:
        """Return up to `count` items with numbers above `after`, in their order."""
        rows = await self.readers.run(lambda c: c.execute(_ITEMS, (after, count)).fetchall())
        return [StoredItem(*row) for row in rows]

    async def content(self, number: int, segments: int) -> Sequence[bytes]:
        """Return the first `segments` sealed segments of an item, fewer where some are gone."""
        rows = await self.readers.run(lambda c: c.execute(_CONTENT, (number, segments)).fetchall())
        return [octets for (octets,) in rows]

    async def octets(self) -> int:
        """Return how many octets of content wait, those that a crash orphaned among them."""
        octets: int = (await self.readers.run(lambda c: c.execute(_OCTETS).fetchone()))[0]
        return octets

    async def last_batch(self) -> int:
        """Return the minute of the last batch that has left, 0 for none."""
        row = await self.readers.run(lambda c: c.execute("SELECT minute FROM batch").fetchone())
        return row[0] if row else 0

    async def note_batch(self, minute: int) -> None:
        """Note that the batch of this minute has left."""
        await self._change(_NOTE_BATCH, (minute,))

    async def allowance(self, holder_tag: bytes) -> Allowance:
        """Return what an account has used of what it may send."""

        def read(connection: sqlite3.Connection) -> Allowance:
            query = "SELECT record FROM allowance WHERE holder_tag = ?"
            row = connection.execute(query, (holder_tag,)).fetchone()
            return self.records.open_allowance(holder_tag, row[0]) if row else Allowance()

        return await self.readers.run(read)

    async def hour_keys(self, hour: int) -> Mapping[int, bytes]:
        """Return the random keys of this hour, made if need be, and of those that still count."""
        keys = await self.readers.run(self._read_hour_keys)
        if hour not in keys:
            keys = await self.lane.submit(Call(lambda c: self._make_hour_key(c, hour)))
        needed = still_needed(keys, hour)
        return {made: key for made, key in keys.items() if made in needed}

    async def is_correspondent(self, tag: bytes) -> bool:
        """Say whether `tag` was among an entry's `written_to` in the last months."""
        query = "SELECT 1 FROM correspondent WHERE tag = ?"
        found = await self.readers.run(lambda c: c.execute(query, (tag,)).fetchone())
        return found is not None

    async def opted_out(self) -> frozenset[bytes]:
        """Return the tags of all who want no mail from here."""
        query = "SELECT address_tag FROM opted_out"
        rows = await self.readers.run(lambda c: c.execute(query).fetchall())
        return frozenset(tag for (tag,) in rows)

    async def opt_out(self, address_tag: bytes, is_out: bool) -> None:
        """Note that a person wants no mail from here, or takes it again."""
        if is_out:
            await self._change("INSERT OR IGNORE INTO opted_out VALUES (?)", (address_tag,))
        else:
            await self._change("DELETE FROM opted_out WHERE address_tag = ?", (address_tag,))

    async def tidy(self, hour: int, period: int) -> None:
        """Forget what was of use before `hour`, and correspondents before `period`."""
        # What lies far ahead was noted by a clock that was wrong: it would never be old.
        times = {"hour": hour, "ahead": hour + 48, "day": hour // 24, "period": period}

        def run(connection: sqlite3.Connection) -> None:
            for statement in _TIDY:
                connection.execute(statement, times)

        await self.lane.submit(Call(run, leaves_traces=True))

    async def _change(self, statement: str, parameters: tuple[Any, ...]) -> None:
        def run(connection: sqlite3.Connection) -> None:
            connection.execute(statement, parameters)

        await self.lane.submit(Call(run))

    def _read_hour_keys(self, connection: sqlite3.Connection) -> dict[int, bytes]:
        return {
            hour: self.records.open_hour_key(hour, sealed)
            for hour, sealed in connection.execute(_HOUR_KEYS)
        }

    def _make_hour_key(self, connection: sqlite3.Connection, hour: int) -> dict[int, bytes]:
        keys = self._read_hour_keys(connection)
        if hour not in keys:
            keys[hour] = self.records.randomness(32)
            sealed = self.records.seal_hour_key(hour, keys[hour])
            connection.execute(_NEW_HOUR_KEY, (hour, sealed))
        return keys
