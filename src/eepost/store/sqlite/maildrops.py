# SPDX-License-Identifier: Apache-2.0
"""Maildrops in SQLite: what writes goes through the lane, what reads through the readers."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eepost.maildrop.model import Arrival, Encapsulation, SealedMessage, SentId, StoredEntry, Usage
from eepost.maildrop.ports import Outcome, TakenBefore
from eepost.store.records import Records
from eepost.store.sqlite.intake import Intake
from eepost.store.sqlite.lane import Lane
from eepost.store.sqlite.marks import Marks
from eepost.store.sqlite.readers import Readers
from eepost.store.sqlite.statements import IN_LIST, as_list, chosen, packed, unpacked
from eepost.store.sqlite.vacancy import Vacancy
from eepost.store.sqlite.watch import Watch
from eepost.store.sqlite.work import (
    Claim,
    Cleaning,
    Delivery,
    Emptying,
    Removal,
)

# Bodies read at once: at 256 KiB each these are 64 MiB at worst.
FETCH_MESSAGES = 256
# A message names at most 80 others (see eepost.mail.msgid); SQLite takes far more parameters.
MAX_TAGS_ASKED = 200

_SNAPSHOT = packed("number, encapsulation, padded_octets", "entry", "message WHERE account = ?")
_ENCAPSULATIONS = packed("number, generation", "octets", "encapsulation WHERE account = ?")
_BODIES = packed("number", "octets", f"body WHERE account = ? AND number {IN_LIST}")
_BODY = "SELECT octets FROM body WHERE number = ? AND account = ?"
_SEGMENT = """
    SELECT segment.octets FROM segment JOIN body ON body.number = message
    WHERE message = ? AND account = ? AND at = ?
"""
_KNOWN = "SELECT tag FROM known_id WHERE account = ? AND tag IN"
_SENT = "SELECT tag, sealed FROM sent_id WHERE account = ? AND tag IN"
_USAGE = """
    SELECT octets, messages, record FROM usage JOIN account ON account.number = usage.account
    WHERE usage.account = ?
"""

_ARRIVED = "SELECT tag FROM arrival WHERE tag"


@dataclass(slots=True, repr=False)  # a repr must not show what passes through
class SqliteMaildrops:
    """Satisfies `eepost.maildrop.ports.MaildropStore`; called in the event loop's thread."""

    lane: Lane
    intake: Intake
    readers: Readers
    watch: Watch
    marks: Marks
    vacancy: Vacancy
    records: Records
    default_limit_octets: int
    token: int  # the lane's
    _claim: "asyncio.Future[Any] | None" = None

    def deliver(
        self, messages: Sequence[SealedMessage], sent: SentId | None = None
    ) -> Awaitable[Outcome]:
        """Keep all of `messages` or none; durable when it returns."""
        return self.intake.take(Delivery(messages, sent=sent))

    def arrive(
        self, messages: Sequence[SealedMessage], arrival: Arrival
    ) -> Awaitable[Outcome | TakenBefore]:
        """Keep all of `messages` and the arrival's tags, or nothing; durable when it returns."""
        return self.intake.take(Delivery(messages, arrival=arrival))

    async def arrived(self, tags: Collection[bytes]) -> frozenset[bytes]:
        """Return those of `tags` that came with an arrival in the last days."""

        def read(connection: sqlite3.Connection) -> frozenset[bytes]:
            return frozenset(tag for (tag,) in chosen(connection, _ARRIVED, tags))

        return await self.readers.run(read)

    async def usage(self, account: int) -> Usage:
        """Return how full the maildrop is; that of an unknown account has no room."""

        def read(connection: sqlite3.Connection) -> Usage:
            row = connection.execute(_USAGE, (account,)).fetchone()
            if row is None:
                return Usage(messages=0, octets=0, limit_octets=0)
            limit = self.records.open(account, row[2]).maildrop_octets
            return Usage(row[1], row[0], self.default_limit_octets if limit is None else limit)

        return await self.readers.run(read)

    def mark(self, account: int) -> int | None:
        """Return a number that changes with the maildrop; None while another lane wrote last."""
        return self.marks.of(account) if self.watch.lane() == self.token else None

    async def snapshot(self, account: int) -> Sequence[StoredEntry]:
        """Return what lies in the maildrop, in no particular order; at once if it is empty."""
        if self.watch.lane() != self.token:
            self.claim()
        elif self.vacancy.is_known(account):
            return ()

        def read(connection: sqlite3.Connection) -> list[StoredEntry]:
            rows = unpacked(connection.execute(_SNAPSHOT, (account,)).fetchone())
            return [
                StoredEntry(number, encapsulation, entry, padded_octets)
                for (number, encapsulation, padded_octets), entry in rows
            ]

        mark = self.marks.of(account)
        found = await self.readers.run(read)
        if not found:
            self.vacancy.found_empty(account, mark)
        return found

    async def encapsulations(self, account: int) -> Sequence[Encapsulation]:
        """Return the encapsulations that the account's messages need."""

        def read(connection: sqlite3.Connection) -> list[Encapsulation]:
            rows = unpacked(connection.execute(_ENCAPSULATIONS, (account,)).fetchone())
            return [
                Encapsulation(number, account, generation, octets)
                for (number, generation), octets in rows
            ]

        return await self.readers.run(read)

    async def fetch(self, account: int, numbers: Sequence[int]) -> Mapping[int, bytes]:
        """Return the first sealed segment of each message that is still there."""

        def read(connection: sqlite3.Connection) -> dict[int, bytes]:
            bodies: dict[int, bytes] = {}
            for start in range(0, len(numbers), FETCH_MESSAGES):
                chosen = as_list(numbers[start : start + FETCH_MESSAGES])
                row = connection.execute(_BODIES, (account, chosen)).fetchone()
                bodies.update((number, octets) for (number,), octets in unpacked(row))
            return bodies

        return await self.readers.run(read)

    async def fetch_segment(self, account: int, number: int, at: int) -> bytes | None:
        """Return segment `at` (from 0) of a message, None past its end or when it is gone."""

        def read(connection: sqlite3.Connection) -> bytes | None:
            if at == 0:
                row = connection.execute(_BODY, (number, account)).fetchone()
            else:
                row = connection.execute(_SEGMENT, (number, account, at)).fetchone()
            return None if row is None else row[0]

        return await self.readers.run(read)

    async def known_tags(self, account: int, tags: Collection[bytes]) -> frozenset[bytes]:
        """Return those of `tags` that came with mail to the account."""
        wanted = tuple(tags)[:MAX_TAGS_ASKED]

        def read(connection: sqlite3.Connection) -> frozenset[bytes]:
            query = f"{_KNOWN} ({', '.join('?' * len(wanted))})"
            return frozenset(tag for (tag,) in connection.execute(query, (account, *wanted)))

        return await self.readers.run(read)

    async def sent_ids(self, account: int, tags: Collection[bytes]) -> Mapping[bytes, bytes]:
        """Return what is sealed for those of `tags` that the account's mail was given."""
        wanted = tuple(tags)[:MAX_TAGS_ASKED]

        def read(connection: sqlite3.Connection) -> dict[bytes, bytes]:
            query = f"{_SENT} ({', '.join('?' * len(wanted))})"
            return dict(connection.execute(query, (account, *wanted)).fetchall())

        return await self.readers.run(read)

    async def remove(self, account: int, numbers: Sequence[int]) -> None:
        """Delete messages; durable when it returns; those already gone are no error."""
        if numbers:
            await self.lane.submit(Removal(account, tuple(numbers)))

    async def empty(self, account: int) -> int:
        """Delete all messages, thread tags and sent identifiers; return how many messages."""
        removed: int = await self.lane.submit(Emptying(account))
        return removed

    async def clean(self, forget_before: int = 0, arrivals_before: int = 0) -> int:
        """Delete what a crash left of large messages; return of how many there was something.

        Thread tags of periods before `forget_before` are forgotten, and arrivals of days before
        `arrivals_before`.

        For the one process that delivers, at its start: what another is delivering right now
        would look just like that.
        """
        cleaned: int = await self.lane.submit(
            Cleaning(frozenset(self.intake.under_way), forget_before, arrivals_before)
        )
        return cleaned

    def claim(self) -> None:
        """Put this lane's token into the store, so that polls of empty maildrops are quick."""
        if self._claim is None or self._claim.done():
            self._claim = self.intake.leave(Claim())
