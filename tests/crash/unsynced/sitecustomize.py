# SPDX-License-Identifier: Apache-2.0
"""Put on PYTHONPATH, makes every store skip its flushes: the control of the crash test."""

from functools import partial

from eepost.store.sqlite import connection, store

store._TUNING = connection.Tuning(synchronous="OFF")
store.SqliteStore.open = partial(  # type: ignore[method-assign]
    store.SqliteStore.open, tuning=store._TUNING
)
