# SPDX-License-Identifier: Apache-2.0
"""When to try again, and when to give up.

Age is not read from the clock: it is the sum of the waits that were planned. A clock that jumps,
or a post office that was switched off for a month, ends no message before it had its tries.
"""

from collections.abc import Callable
from dataclasses import dataclass

Randomness = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """Waits in seconds; the last gap repeats until `lifetime_seconds` are used up."""

    # Greylisting servers ask for five minutes or more; a server that was down for an evening is
    # found again within a quarter of that time.
    gaps_seconds: tuple[int, ...] = (300, 600, 1_200, 2_400, 3_600, 7_200, 14_400)
    lifetime_seconds: int = 432_000  # RFC 5321 4.5.4.1: at least 4 to 5 days
    warn_after_seconds: int = 14_400
    # No gateway took it or the link was cut: no far server has said "later", so soon again.
    cut_seconds: int = 300
    # Up to so much is added, so that what failed together does not come back together.
    jitter_percent: int = 20

    def gap(self, attempt: int, randomness: Randomness) -> int:
        """Return the wait after `attempt`, counted from 1."""
        at = min(attempt, len(self.gaps_seconds)) - 1
        return self._spread(self.gaps_seconds[at], randomness)

    def cut(self, randomness: Randomness) -> int:
        """Return the wait after an attempt that was not finished for want of a gateway."""
        return self._spread(self.cut_seconds, randomness)

    @property
    def longest_seconds(self) -> int:
        """The longest wait that can be planned."""
        return max(*self.gaps_seconds, self.cut_seconds) * (100 + self.jitter_percent) // 100

    def _spread(self, seconds: int, randomness: Randomness) -> int:
        chance = int.from_bytes(randomness(4), "big")
        return seconds + seconds * self.jitter_percent * chance // (100 << 32)
