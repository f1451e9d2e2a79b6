# SPDX-License-Identifier: Apache-2.0
"""Opens connections to the store's file, all with the same promises.

Duty: what makes a commit durable and what makes deleted octets vanish is set here and nowhere else.

- `journal_mode=WAL`, `synchronous=FULL`: every commit is flushed before it returns.
- `secure_delete=ON`: what is deleted is overwritten with zeros in the file. The log still holds
  older pages until it is truncated, see `scrub`.
- `auto_vacuum=NONE`: freed pages are zeroed and taken by later mail. Giving them back to the file
  system would cost a map of pointers with every write, and the file's blocks would then lie,
  not zeroed, among the free ones of the disk.
- `temp_store=MEMORY`: nothing of ours gets into temporary files.
- no memory mapping: a failing disk shall be an error of one call, not a signal to the process.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from eepost.maildrop.ports import StoreUnavailable
from eepost.seal.broken import SealBroken
from eepost.store.sqlite.refusals import OldSqlite

FILE_NAME = "store.db"
# The oldest library the suite ran with. STRICT needs 3.37; `packed` reads need a group_concat that
# keeps NUL octets, which older ones cut.
OLDEST_SQLITE = (3, 40, 0)
PAGE_OCTETS = 4096
_STATEMENTS_KEPT = 64


@dataclass(frozen=True, slots=True)
class Tuning:
    """What tests and benchmarks change; a post office runs with what stands here."""

    # OFF exists for one test, which shows that the crash test can fail.
    synchronous: str = "FULL"
    # 16 MiB of log: copying it into the file costs two flushes and about 20 ms for 3,000 messages.
    checkpoint_pages: int = 4096
    # The lane waits this long for another process; everyone's 250 waits with it.
    lane_busy_seconds: float = 5.0
    # Account commands wait longer: a busy lane leaves only short gaps.
    busy_seconds: float = 30.0
    # DESIGN: within a minute after message deletions; the rest is reserve for retries.
    scrub_after_seconds: float = 30.0
    readers: int = 2


@dataclass(frozen=True, slots=True)
class StoreFile:
    """The one file of a store, and how connections to it are made."""

    path: Path
    tuning: Tuning

    def create(self) -> None:
        """Make an empty file that only its owner can read. Raises FileExistsError."""
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with self.borrow() as connection:
            # Both are kept in the file; SQLite gives the log and its index the file's own mode.
            connection.execute(f"PRAGMA page_size={PAGE_OCTETS}")
            connection.execute("PRAGMA auto_vacuum=NONE")
            connection.execute("PRAGMA journal_mode=WAL")

    def flush_name(self) -> None:
        """Make the file's name durable; SQLite does so for its log only."""
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def remove(self) -> None:
        """Remove what `create` made."""
        for suffix in ("", "-wal", "-shm", "-journal"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def connect(self, *, busy_seconds: float, cache_kib: int = 2048) -> sqlite3.Connection:
        """Return a connection in autocommit mode. Raises sqlite3.Error."""
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise OldSqlite(f"SQLite {sqlite3.sqlite_version} is older than 3.40")
        connection = sqlite3.connect(
            # mode=rw: a store that is gone must not come back as an empty one.
            f"{self.path.resolve().as_uri()}?mode=rw",
            uri=True,
            timeout=busy_seconds,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS_KEPT,
        )
        for pragma in (
            f"synchronous={self.tuning.synchronous}",
            "secure_delete=ON",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            f"wal_autocheckpoint={self.tuning.checkpoint_pages}",
            f"cache_size=-{cache_kib}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def connect_reader(self, *, cache_kib: int = 2048) -> sqlite3.Connection:
        """Return a connection that cannot write. Raises sqlite3.Error."""
        connection = self.connect(busy_seconds=self.tuning.busy_seconds, cache_kib=cache_kib)
        connection.execute("PRAGMA query_only=ON")
        return connection

    @contextmanager
    def borrow(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for one piece of work."""
        connection = self.connect(busy_seconds=self.tuning.busy_seconds)
        try:
            yield connection
        finally:
            connection.close()

    def engine(self) -> Engine:
        """Return an engine for the work on accounts, a connection for each thread that works.

        Transactions begin as the execution option `begin` says, "BEGIN" if it is not given.
        """
        engine = create_engine(
            "sqlite://",
            creator=lambda: self.connect(busy_seconds=self.tuning.busy_seconds),
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=15,
            hide_parameters=True,  # no error text may hold what was stored
        )

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            options = connection.get_execution_options()
            connection.exec_driver_sql(options.get("begin", "BEGIN"))

        return engine


def scrub(connection: sqlite3.Connection) -> bool:
    """Copy the log into the file and cut it to nothing; False where others did not let it."""
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


@contextmanager
def faults_as_unavailable() -> Iterator[None]:
    """Turn what databases and damaged rows raise into StoreUnavailable."""
    try:
        yield
    except (sqlite3.Error, SQLAlchemyError, SealBroken) as fault:
        raise StoreUnavailable from fault
