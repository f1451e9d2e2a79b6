# SPDX-License-Identifier: Apache-2.0
"""People on the Internet who want no mail from here: asked for each recipient, read each second."""

from collections.abc import Callable
from dataclasses import dataclass

from eepost.mail.address import Address
from eepost.services.mta.ports import OutgoingStore

# An operator who notes somebody waits no longer for it to hold.
HOLDS_SECONDS = 1.0
# People who may opt out by mail in an hour, whichever gateway brings it. Whether it is they who ask
# is the gateway's word: one in foreign hands must not shut out the whole Internet in a night, nor
# fill the list that is held in memory.
BY_MAIL_IN_AN_HOUR = 30
_HOUR_SECONDS = 3_600.0


@dataclass(slots=True)
class OptOuts:
    """Tags of all who opted out, held in memory: operators note some, and by mail few an hour do.

    `tag` gives what stands for an address, `clock` seconds that only rise.
    """

    store: OutgoingStore
    tag: Callable[[Address], bytes]
    clock: Callable[[], float]
    _tags: frozenset[bytes] = frozenset()
    _until: float = float("-inf")
    _hour_begins: float = float("-inf")
    _in_this_hour: int = 0

    async def has(self, address: Address) -> bool:
        """Say whether a person wants no mail from here. Raises StoreUnavailable."""
        now = self.clock()
        if now >= self._until:
            self._tags = await self.store.opted_out()
            self._until = now + HOLDS_SECONDS
        return self.tag(address) in self._tags

    async def note(self, address: Address) -> bool:
        """Send nothing more to a person who asks by mail; durable and in force on return.

        False: too many have asked lately, and he has to ask again. Raises StoreUnavailable.
        """
        if await self.has(address):
            return True
        if not self._has_room():
            return False
        await self.store.opt_out(self.tag(address), True)
        self._in_this_hour += 1
        self._until = float("-inf")
        return True

    def _has_room(self) -> bool:
        now = self.clock()
        if now - self._hour_begins >= _HOUR_SECONDS:
            self._hour_begins, self._in_this_hour = now, 0
        return self._in_this_hour < BY_MAIL_IN_AN_HOUR
