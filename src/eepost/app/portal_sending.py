# SPDX-License-Identifier: Apache-2.0
"""Shows the portal what its members have on their way out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from eepost.accounts.model import Account
from eepost.accounts.ports import Compute
from eepost.net import clock
from eepost.queue.allowance import current
from eepost.queue.books import Move, Superseded
from eepost.queue.item import Item
from eepost.queue.sealing import QueueSealer, StoredItem
from eepost.seal.broken import SealBroken
from eepost.services.mta.ports import OutgoingStore
from eepost.services.mta.quota import HOUR_SECONDS, HandedIn, Quota
from eepost.services.portal.sending import Allowed, StampFate, Waiting

# Items are sealed, so whose they are is known only after opening them: 20 us each.
PAGE_ITEMS = 500
MAX_ITEMS = 50_000
MAX_SHOWN = 100

_FATES: Final = {
    HandedIn.COUNTED: StampFate.COUNTED,
    HandedIn.COUNTED_BEFORE: StampFate.COUNTED_BEFORE,
    HandedIn.WORTHLESS: StampFate.WORTHLESS,
}


@dataclass(frozen=True, slots=True)
class PortalSending:
    """Satisfies `eepost.services.portal.sending.Sending`."""

    store: OutgoingStore
    sealer: QueueSealer
    quota: Quota
    offload: Compute

    async def allowed(self, account: Account) -> Allowed:
        """Return what the account may still send."""
        hour = int(clock.wall_seconds() // HOUR_SECONDS)
        limits = self.quota.limits
        used = current(await self.store.allowance(self.quota.holder_tag(account)), hour)
        recipients = limits.recipients + sum(more for _, more in used.bonuses)
        messages = sum(many for _, many in used.messages)
        return Allowed(
            max(0, recipients - len(used.recipients)),
            recipients,
            max(0, limits.messages - messages),
            limits.messages,
            limits.stamps,
        )

    async def hand_in(self, account: Account, stamp: str) -> StampFate:
        """Count a stamp."""
        return _FATES[await self.quota.hand_in(account, stamp)]

    async def waiting(self, account: Account) -> Sequence[Waiting]:
        """Return what waits to leave, the next one first."""
        found: list[Item] = []
        after = seen = 0
        while seen < MAX_ITEMS:
            page = await self.store.items(after, PAGE_ITEMS)
            seen += len(page)
            found += await self.offload(partial(self._own, account, page))
            if len(page) < PAGE_ITEMS:
                break
            after = page[-1].number
        found.sort(key=lambda item: item.due)
        return [_shown(item) for item in found[:MAX_SHOWN]]

    async def cancel(self, account: Account, number: int) -> bool:
        """Take a message back; False where it is not there, not the account's, or has left."""
        stored = await self.store.item(number)
        if stored is None or not (own := self._own(account, [stored])) or own[0].attempt:
            return False
        return not isinstance(await self.store.move(Move(stored, None)), Superseded)

    def _own(self, account: Account, page: Sequence[StoredItem]) -> list[Item]:
        found = []
        for stored in page:
            try:
                item = self.sealer.open(stored)
            except SealBroken:
                continue  # damaged: the relay tells the operator
            if item.owner == account.number:
                found.append(item)
        return found


def _shown(item: Item) -> Waiting:
    return Waiting(
        item.number,
        item.accepted_utc,
        item.due * 60,
        [str(each.address) for each in item.forwards],
        item.is_held,
        can_be_cancelled=not item.attempt,
    )
