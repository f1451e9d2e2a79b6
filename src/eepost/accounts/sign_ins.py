# SPDX-License-Identifier: Apache-2.0
"""How often each account was signed in to, day by day: so that its owner notices a stranger.

In memory only: a post office that kept it would keep a record of habits. Never from where.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

DAYS_KEPT = 14
# About 200 octets each; the account that was signed in to longest ago goes first.
MAX_ACCOUNTS = 20_000
DAY_SECONDS = 86_400


class SignIns:
    """Counts by day. `now_utc` gives seconds since 1970."""

    __slots__ = ("_counts", "_now_utc")

    def __init__(self, now_utc: Callable[[], float]) -> None:
        self._now_utc = now_utc
        self._counts: OrderedDict[int, dict[int, int]] = OrderedDict()

    def note(self, number: int) -> None:
        """Count one for the account with this number."""
        today = int(self._now_utc()) // DAY_SECONDS
        days = self._counts.get(number)
        if days is None:
            days = self._counts[number] = {}
            if len(self._counts) > MAX_ACCOUNTS:
                self._counts.popitem(last=False)
        days[today] = days.get(today, 0) + 1
        if len(days) > DAYS_KEPT:
            del days[min(days)]
        self._counts.move_to_end(number)

    def of(self, number: int) -> Sequence[tuple[int, int]]:
        """Return (day since 1970, how often) of the last DAYS_KEPT days, latest first."""
        oldest = int(self._now_utc()) // DAY_SECONDS - DAYS_KEPT
        days = self._counts.get(number, {})
        return sorted(((day, count) for day, count in days.items() if day > oldest), reverse=True)

    def forget(self, number: int) -> None:
        """Forget an account that was deleted."""
        self._counts.pop(number, None)
