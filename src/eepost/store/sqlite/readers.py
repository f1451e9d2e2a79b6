# SPDX-License-Identifier: Apache-2.0
"""A few threads that read, each with a connection of its own."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from eepost.store.sqlite.connection import StoreFile, faults_as_unavailable

Result = TypeVar("Result")


class Readers:
    """Runs reading functions apart from the event loop."""

    def __init__(self, file: StoreFile, loop: asyncio.AbstractEventLoop) -> None:
        self._file = file
        self._loop = loop
        self._own = threading.local()
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(file.tuning.readers, thread_name_prefix="eepost-reader")

    def run(self, read: Callable[[sqlite3.Connection], Result]) -> "asyncio.Future[Result]":
        """Return a future of what `read` returns; it sees all that was committed.

        Raises StoreUnavailable (also through the future).
        """
        try:
            return self._loop.run_in_executor(self._pool, self._call, read)
        except RuntimeError as closed:  # the pool was shut down
            with faults_as_unavailable():
                raise sqlite3.ProgrammingError("the store is closed") from closed

    def close(self) -> None:
        """Wait for what is under way and close the connections."""
        self._pool.shutdown(wait=True)
        with self._lock:
            while self._connections:
                self._connections.pop().close()

    def _call(self, read: Callable[[sqlite3.Connection], Result]) -> Result:
        with faults_as_unavailable():
            try:
                return read(self._connection())
            except sqlite3.Error:
                self._drop()
                raise

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self._file.connect_reader()
            with self._lock:
                self._connections.append(connection)
        return connection

    def _drop(self) -> None:
        connection = getattr(self._own, "connection", None)
        if connection is not None:
            self._own.connection = None
            with self._lock:
                self._connections.remove(connection)
            connection.close()
