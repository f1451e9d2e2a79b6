# SPDX-License-Identifier: Apache-2.0
"""Whether the disk has room for more mail that waits to leave.

Without a bound a gateway that is away for days, or accounts by the hundred, would fill the disk,
and with it stop the mail between users.
"""

from collections.abc import Callable
from dataclasses import dataclass

from eepost.services.mta.ports import OutgoingStore

# How old the count may be; counting 30,000 segments takes some hundredths of a second. What this
# process accepts meanwhile is added, what leaves is seen then.
HOLDS_SECONDS = 10.0


@dataclass(slots=True)
class QueueRoom:
    """Octets that wait, against one limit for all accounts. `clock`: seconds that only rise."""

    store: OutgoingStore
    limit_octets: int
    clock: Callable[[], float]
    _octets: int = 0
    _until: float = float("-inf")

    async def has(self, octets: int = 1) -> bool:
        """Say whether `octets` more may wait. Raises StoreUnavailable."""
        now = self.clock()
        if now >= self._until:
            self._octets = await self.store.octets()
            self._until = now + HOLDS_SECONDS
        return self._octets + octets <= self.limit_octets

    def note(self, octets: int) -> None:
        """Count what was accepted since."""
        self._octets += octets
