# SPDX-License-Identifier: Apache-2.0
"""When a message leaves for the first time.

All instants here are whole minutes since 1970: they stand in the clear on the disk, and mail that
becomes due in the same minute leaves together.
"""

from collections.abc import Callable
from enum import Enum

Randomness = Callable[[int], bytes]

# A random time between these, so that somebody who watches a user's line and the gateway's can't
# pair what goes in with what goes out.
DEFER_SECONDS = (2_000, 4_000)
BATCH_MINUTES = 12 * 60  # at 00:00 and 12:00 UTC
_MEMORY_MINUTES = 24 * 60


class Departure(Enum):
    """How the first leaving is planned."""

    AT_ONCE = "at once"
    DEFERRED = "deferred"
    BATCHED = "batched"


def departs_at(
    departure: Departure, now_utc: float, last_batch: int, randomness: Randomness
) -> int:
    """Return the minute in which a message accepted at `now_utc` leaves.

    `last_batch` is the minute of the last batch that has left (see `next_batch`).
    """
    if departure is Departure.DEFERRED:
        return _deferred(now_utc, randomness)
    now = minute_of(now_utc)
    return next_batch(now, last_batch) if departure is Departure.BATCHED else now


def minute_of(seconds_utc: float) -> int:
    """Return the minute since 1970 that an instant lies in."""
    return int(seconds_utc // 60)


def next_batch(now_minute: int, last_batch: int) -> int:
    """Return the minute of the next batch, strictly later than now and than one that has left.

    A clock that was set back would let the same instant come twice, the second time for a handful
    of messages. A batch that seems to have left more than a day ahead of now was the work of a
    clock that was wrong then, and counts for nothing.
    """
    if now_minute < last_batch <= now_minute + _MEMORY_MINUTES:
        now_minute = last_batch
    return (now_minute // BATCH_MINUTES + 1) * BATCH_MINUTES


def batch_left(now_minute: int, last_batch: int) -> int:
    """Return the minute of the last batch that has left, now that everything due leaves."""
    due_last = now_minute // BATCH_MINUTES * BATCH_MINUTES
    if due_last < last_batch <= now_minute + _MEMORY_MINUTES:
        return last_batch  # the clock was set back
    return due_last


def _deferred(now_utc: float, randomness: Randomness) -> int:
    shortest, longest = DEFER_SECONDS
    first = -int(-(now_utc + shortest) // 60)
    last = minute_of(now_utc + longest)
    # 64 bits over some thirty minutes: none is likelier than another by more than 2**-58.
    return first + int.from_bytes(randomness(8), "big") % (last - first + 1)
