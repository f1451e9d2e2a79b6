# SPDX-License-Identifier: Apache-2.0
"""People on the Internet who want no mail from here: asked for each recipient, read each second."""

from collections.abc import Callable
from dataclasses import dataclass

from eepost.mail.address import Address
from eepost.services.mta.ports import OutgoingStore

# An operator who notes somebody waits no longer for it to hold.
HOLDS_SECONDS = 1.0


@dataclass(slots=True)
class OptOuts:
    """Tags of all who opted out, held in memory: operators note them one by one, so they are few.

    `tag` gives what stands for an address, `clock` seconds that only rise.
    """

    store: OutgoingStore
    tag: Callable[[Address], bytes]
    clock: Callable[[], float]
    _tags: frozenset[bytes] = frozenset()
    _until: float = float("-inf")

    async def has(self, address: Address) -> bool:
        """Say whether a person wants no mail from here. Raises StoreUnavailable."""
        now = self.clock()
        if now >= self._until:
            self._tags = await self.store.opted_out()
            self._until = now + HOLDS_SECONDS
        return self.tag(address) in self._tags

    async def note(self, address: Address) -> None:
        """Send nothing more to a person; durable and in force on return."""
        await self.store.opt_out(self.tag(address), True)
        self._until = float("-inf")
