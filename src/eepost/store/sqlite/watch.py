# SPDX-License-Identifier: Apache-2.0
"""Sees at once what other threads and processes changed, for 4 microseconds a look.

This is the only access to the store that happens in the event loop's thread. It reads one row,
which lies in memory, and in write-ahead mode a reader waits for no writer.
"""

import sqlite3
import threading

from eepost.maildrop.ports import StoreUnavailable
from eepost.store.sqlite.connection import StoreFile


class Watch:
    """A connection that reads the row `state`; any thread may ask."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def epoch(self) -> int:
        """Return the number that changes with every account and role. Raises StoreUnavailable."""
        return self._look("SELECT epoch FROM state")

    def lane(self) -> int:
        """Return the token of the lane that wrote last. Raises StoreUnavailable."""
        return self._look("SELECT lane FROM state")

    def close(self) -> None:
        """Close the connection; a later look opens it anew."""
        with self._lock:
            self._drop()

    def _look(self, query: str) -> int:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._file.connect_reader(cache_kib=64)
                found: int = self._connection.execute(query).fetchone()[0]
            except (sqlite3.Error, OSError) as fault:
                self._drop()
                raise StoreUnavailable from fault
            return found

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
