# SPDX-License-Identifier: Apache-2.0
"""A SQLite store on disk for tests, with the start key it was made with."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from eepost.seal.startkey import StartKey
from eepost.store.sqlite.maildrops import SqliteMaildrops
from eepost.store.sqlite.store import SqliteStore, Tuning

LIMIT_OCTETS = 50_000_000
# Nothing in a test waits for a lock that is not given back in a moment.
QUICK = Tuning(lane_busy_seconds=1.0, busy_seconds=4.0)


@dataclass
class Shelf:
    """Where a store lies."""

    directory: Path
    key: StartKey = field(default_factory=lambda: StartKey.generate(os.urandom))
    limit_octets: int = LIMIT_OCTETS
    tuning: Tuning = QUICK

    def create(self) -> "Shelf":
        self.directory.mkdir(mode=0o700, exist_ok=True)
        SqliteStore.create(self.directory, self.key, randomness=os.urandom, tuning=self.tuning)
        return self

    def open(self) -> SqliteStore:
        return SqliteStore.open(
            self.directory,
            self.key,
            randomness=os.urandom,
            default_limit_octets=self.limit_octets,
            tuning=self.tuning,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[SqliteStore, SqliteMaildrops]]:
        """Open the store with its lane, in the running loop."""
        store = self.open()
        try:
            yield store, store.start(asyncio.get_running_loop())
        finally:
            await store.stop()
