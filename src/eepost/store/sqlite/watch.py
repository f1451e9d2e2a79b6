# SPDX-License-Identifier: Apache-2.0
"""Sees within five milliseconds what other processes changed, and at once what this one did.

This is the only access to the store that happens in the event loop's thread. It reads one row,
which lies in memory, and in write-ahead mode a reader waits for no writer. A look costs 8
microseconds and a submission needs four, so what was seen holds for five milliseconds: a command
that disables an account takes longer than that to say so.
"""

import sqlite3
import threading
from collections.abc import Callable

from eepost.maildrop.ports import StoreUnavailable
from eepost.store.sqlite.connection import StoreFile

HOLDS_SECONDS = 0.005


class Watch:
    """A connection that reads the row `state`; any thread may ask."""

    __slots__ = ("_changes", "_clock", "_connection", "_file", "_lock", "_seen", "_until")

    def __init__(self, file: StoreFile, clock: Callable[[], float]) -> None:
        """Take a clock that only rises, in seconds."""
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._seen = (0, 0)
        self._changes = 0
        self._until = float("-inf")

    def epoch(self) -> int:
        """Return the number that changes with every account and role. Raises StoreUnavailable."""
        return self._look()[0]

    def lane(self) -> int:
        """Return the token of the lane that wrote last. Raises StoreUnavailable."""
        return self._look()[1]

    def look_again(self) -> None:
        """Forget what was seen: this process has changed it."""
        self._changes += 1  # a look that is under way right now may have come too early
        self._until = float("-inf")

    def close(self) -> None:
        """Close the connection; a later look opens it anew."""
        with self._lock:
            self._drop()

    def _look(self) -> tuple[int, int]:
        if self._clock() < self._until:
            return self._seen
        with self._lock:
            changes, begun = self._changes, self._clock()
            try:
                if self._connection is None:
                    self._connection = self._file.connect_reader(cache_kib=64)
                row = self._connection.execute("SELECT epoch, lane FROM state").fetchone()
            except (sqlite3.Error, OSError) as fault:
                self._drop()
                raise StoreUnavailable from fault
            self._seen = row
            if changes == self._changes:
                self._until = begun + HOLDS_SECONDS
            return self._seen

    def _drop(self) -> None:
        self.look_again()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
