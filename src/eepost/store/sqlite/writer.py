# SPDX-License-Identifier: Apache-2.0
"""Does the lane's work, each batch in one transaction.

Duty: all or nothing of a batch, checked against what other processes did. A batch of deliveries
costs the same few statements whatever its size.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from eepost.maildrop.ports import Delivered
from eepost.store.sqlite.connection import StoreFile, scrub
from eepost.store.sqlite.deliveries import deliver, store_portion, write_usage
from eepost.store.sqlite.lane import NotBegun
from eepost.store.sqlite.ledger import Ledger
from eepost.store.sqlite.marks import Marks
from eepost.store.sqlite.removals import clean, discard, empty, remove
from eepost.store.sqlite.vacancy import Vacancy
from eepost.store.sqlite.work import (
    Call,
    Claim,
    Cleaning,
    Delivery,
    Discard,
    Emptying,
    Portion,
    Removal,
    Work,
)

# The upper levels of the tables and what is hot of them; the lane has one connection.
_CACHE_KIB = 8192

_Task = Callable[[sqlite3.Connection, Ledger, Any], Any]
_TASKS: Final[Mapping[type[Work], _Task]] = {
    Portion: store_portion,
    Removal: lambda connection, ledger, work: remove(
        connection, ledger, work.account, work.numbers
    ),
    Emptying: lambda connection, ledger, work: empty(connection, ledger, work.account),
    Discard: lambda connection, _, work: discard(connection, work.numbers),
    Cleaning: lambda connection, _, work: clean(connection, work),
    Call: lambda connection, _, work: work.run(connection),
    Claim: lambda *_: None,  # beginning a transaction is all it takes
}
_LEAVE_TRACES: Final = (Removal, Emptying, Discard, Cleaning)


def _leaves_traces(work: Work) -> bool:
    match work:
        case Call():
            return work.leaves_traces
        case Delivery():
            return work.move is not None
        case _:
            return isinstance(work, _LEAVE_TRACES)


@dataclass(slots=True, repr=False)  # a repr must not show what passes through
class SqliteWriter:
    """Satisfies `Writer`; used in the lane's thread only."""

    file: StoreFile
    ledger: Ledger
    marks: Marks
    vacancy: Vacancy
    token: int  # random, this lane's own
    leaves_traces: bool = False
    messages: int = 0  # delivered since start
    _epoch: int | None = None
    _connection: sqlite3.Connection | None = None

    def perform(self, batch: Sequence[Work]) -> Sequence[Any]:
        """Do all of `batch` durably and return each result, or raise and do nothing of it."""
        connection = self._begin()
        try:
            results = self._work(connection, batch)
            write_usage(connection, self.ledger)
            connection.execute("COMMIT")
        except BaseException:
            self._roll_back(connection)
            raise
        self._after_commit(batch, results)
        return results

    def scrub(self) -> bool:
        """Cut the log; False if others hold it or the disk fails, to be tried again."""
        try:
            done = scrub(self._connected())
        except sqlite3.Error:
            self._drop_connection()
            return False
        self.leaves_traces = self.leaves_traces and not done
        return done

    def close(self) -> None:
        """Close the connection."""
        self._drop_connection()

    def _work(self, connection: sqlite3.Connection, batch: Sequence[Work]) -> list[Any]:
        """Deliver everything together, then do the rest one after the other."""
        deliveries = [work for work in batch if isinstance(work, Delivery)]
        delivered = iter(deliver(connection, self.ledger, deliveries))
        return [
            next(delivered)
            if isinstance(work, Delivery)
            else _TASKS[type(work)](connection, self.ledger, work)
            for work in batch
        ]

    def _after_commit(self, batch: Sequence[Work], results: Sequence[Any]) -> None:
        for work, result in zip(batch, results, strict=True):
            if isinstance(work, Delivery) and isinstance(result, Delivered):
                self.messages += len(work.messages)
            if _leaves_traces(work):
                self.leaves_traces = True
        self.marks.changed(self.ledger.changed)
        for account in self.ledger.changed:
            room = self.ledger.rooms[account]
            if room is not None and not room.messages:
                self.vacancy.found_empty(account, self.marks.of(account))
        self.ledger.trim()

    def _begin(self) -> sqlite3.Connection:
        """Begin a transaction and make sure that what is known by heart is right in it."""
        try:
            connection = self._opened_transaction()
            self._check_others(connection)
        except sqlite3.Error as fault:
            self.ledger.forget()
            self._drop_connection()
            raise NotBegun from fault
        return connection

    def _opened_transaction(self) -> sqlite3.Connection:
        connection = self._connected()
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.ProgrammingError:  # it was closed under our feet
            self._connection = None
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
        return connection

    def _check_others(self, connection: sqlite3.Connection) -> None:
        epoch, lane = connection.execute("SELECT epoch, lane FROM state").fetchone()
        if epoch != self._epoch:
            # Accounts may have gone, been disabled or given another limit; and what was deleted
            # with them stands in the log still if a reader was in the way of that scrubbing.
            self.ledger.forget()
            self.leaves_traces = self.leaves_traces or self._epoch is not None
            self._epoch = epoch
        if lane != self.token:
            self.ledger.forget()
            self.marks.forget()
            connection.execute("UPDATE state SET lane = ?", (self.token,))

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        self.ledger.forget()
        try:
            if connection.in_transaction:  # after some faults SQLite has rolled back by itself
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._drop_connection()

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self.file.connect(
                busy_seconds=self.file.tuning.lane_busy_seconds, cache_kib=_CACHE_KIB
            )
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None
