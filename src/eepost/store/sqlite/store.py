# SPDX-License-Identifier: Apache-2.0
"""The embedded store: one SQLite file in the data directory, and what is built on it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, insert, select

from eepost.maildrop.ports import StoreUnavailable
from eepost.seal.broken import SealBroken
from eepost.seal.randomness import Randomness
from eepost.seal.startkey import StartKey
from eepost.store.records import Records
from eepost.store.sqlite.accounts import SqliteAccounts
from eepost.store.sqlite.connection import (
    FILE_NAME,
    StoreFile,
    Tuning,
    faults_as_unavailable,
)
from eepost.store.sqlite.intake import Intake
from eepost.store.sqlite.lane import Lane
from eepost.store.sqlite.ledger import Ledger
from eepost.store.sqlite.maildrops import SqliteMaildrops
from eepost.store.sqlite.marks import Marks
from eepost.store.sqlite.queue import SqliteQueue
from eepost.store.sqlite.readers import Readers
from eepost.store.sqlite.refusals import NewerSchema, OldSqlite, StoreExists, WrongStartKey
from eepost.store.sqlite.schema import migrate
from eepost.store.sqlite.vacancy import Vacancy
from eepost.store.sqlite.watch import Watch
from eepost.store.sqlite.writer import SqliteWriter
from eepost.store.tables import state

__all__ = ["NewerSchema", "OldSqlite", "SqliteStore", "StoreExists", "Tuning", "WrongStartKey"]

_TUNING = Tuning()


@dataclass(slots=True, repr=False)  # a repr must not show what passes through
class SqliteStore:
    """An open store. `accounts` work at once; maildrops from `start` to `stop`."""

    accounts: SqliteAccounts
    _file: StoreFile
    _engine: Engine
    _watch: Watch
    _records: Records
    _default_limit_octets: int
    _maildrops: SqliteMaildrops | None = field(default=None)
    _queue: SqliteQueue | None = field(default=None)
    _writer: SqliteWriter | None = field(default=None)

    @classmethod
    def create(
        cls,
        directory: Path,
        key: StartKey,
        *,
        randomness: Randomness,
        tuning: Tuning = _TUNING,
    ) -> None:
        """Make an empty store in `directory`, which is there already and is its owner's alone.

        Durable on return. Raises StoreExists, StoreUnavailable, OSError.
        """
        file = StoreFile(directory / FILE_NAME, tuning)
        with faults_as_unavailable():
            try:
                file.create()
            except FileExistsError:
                raise StoreExists from None
            engine = file.engine()
            try:
                migrate(engine)
                proof = Records(key, randomness).seal_proof()
                with engine.begin() as connection:
                    connection.execute(
                        insert(state), {"id": 1, "epoch": 0, "lane": 0, "proof": proof}
                    )
            except BaseException:
                engine.dispose()
                file.remove()
                raise
            engine.dispose()
            file.flush_name()

    @classmethod
    def open(
        cls,
        directory: Path,
        key: StartKey,
        *,
        randomness: Randomness,
        default_limit_octets: int,
        tuning: Tuning = _TUNING,
    ) -> "SqliteStore":
        """Open the store in `directory` and bring it to this release's tables.

        `default_limit_octets` is the room of accounts that have no limit of their own. Raises
        WrongStartKey, NewerSchema, OldSqlite, StoreUnavailable, FileNotFoundError.
        """
        file = StoreFile(directory / FILE_NAME, tuning)
        file.path.stat()  # says better than SQLite what is missing
        records = Records(key, randomness)
        engine = file.engine()
        try:
            with faults_as_unavailable():
                migrate(engine)
                _check_key(engine, records)
        except BaseException:
            engine.dispose()
            raise
        watch = Watch(file, time.monotonic)
        accounts = SqliteAccounts(file, engine, records, watch)
        return cls(accounts, file, engine, watch, records, default_limit_octets)

    def start(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float] = time.monotonic,
    ) -> SqliteMaildrops:
        """Start the lane and the readers, and return the maildrops they serve.

        `clock` gives seconds for the lane's own appointments.
        """
        marks = Marks()
        vacancy = Vacancy(marks)
        token = int.from_bytes(self._records.randomness(8), "big") >> 1
        ledger = Ledger(self._records, self._default_limit_octets)
        self._writer = SqliteWriter(self._file, ledger, marks, vacancy, token)
        lane = Lane(self._writer, loop, clock, self._file.tuning.scrub_after_seconds)
        lane.start()
        intake = Intake(lane)
        readers = Readers(self._file, loop)
        self._queue = SqliteQueue(lane, intake, readers, self._records)
        self._maildrops = SqliteMaildrops(
            lane=lane,
            intake=intake,
            readers=readers,
            watch=self._watch,
            marks=marks,
            vacancy=vacancy,
            records=self._records,
            default_limit_octets=self._default_limit_octets,
            token=token,
        )
        self._maildrops.claim()
        return self._maildrops

    @property
    def maildrops(self) -> SqliteMaildrops:
        """The maildrops of a started store."""
        if self._maildrops is None:
            raise StoreUnavailable
        return self._maildrops

    @property
    def queue(self) -> SqliteQueue:
        """The queue of a started store."""
        if self._queue is None:
            raise StoreUnavailable
        return self._queue

    def counters(self) -> dict[str, int]:
        """Return what the lane did since the start; nothing before it and after the stop.

        A commit is one flush of the log; a checkpoint, about every 16 MiB of log, two more.
        """
        if self._writer is None or self._maildrops is None:
            return {}
        counts = self._maildrops.lane.counts
        return {
            "store_messages": self._writer.messages,
            "store_commits": counts.commits,
            "store_items": counts.items,
            "store_largest_batch": counts.largest_batch,
            "store_replays": counts.replays,
            "store_failures": counts.failures,
            "store_scrubs": counts.scrubs,
        }

    async def clean(self, forget_before: int = 0, arrivals_before: int = 0) -> int:
        """Delete what a crash left and what is too old; see `SqliteMaildrops.clean`."""
        return await self.maildrops.clean(forget_before, arrivals_before)

    async def stop(self) -> None:
        """Finish what was submitted, cut the log, close everything."""
        maildrops, self._maildrops, self._queue = self._maildrops, None, None
        if maildrops is not None:
            await maildrops.lane.stop()
            maildrops.readers.close()
        self.close()

    def close(self) -> None:
        """Close a store that was not started, or was stopped."""
        self._watch.close()
        self._engine.dispose()


def _check_key(engine: Engine, records: Records) -> None:
    with engine.connect() as connection:
        proof = connection.execute(select(state.c.proof)).scalar_one()
    try:
        records.check_proof(proof)
    except SealBroken:
        raise WrongStartKey from None
