# SPDX-License-Identifier: Apache-2.0
"""What a store writes in one commit with a delivery: items that come, change and go, and counts."""

from collections.abc import Collection
from dataclasses import dataclass, field

from eepost.queue.allowance import Charge
from eepost.queue.sealing import SealedItem, StoredItem


@dataclass(frozen=True, slots=True)
class Entry:
    """What an accepted message leaves in the books.

    `written_to` are tags for whom its sender is now known to have written to, in `period` (as
    `eepost.maildrop.model.thread_period_of` counts them).
    """

    item: SealedItem | None = None
    charge: Charge | None = None
    written_to: Collection[bytes] = field(default=(), repr=False)
    period: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """Put `after` in the place of `before`, None: let the item go with its content.

    Who has claimed the item says so by `is_claimed`, and keeps it where `after` has a lease.
    Anybody else changes only what nobody has claimed: it may be leaving at this moment.
    """

    before: StoredItem
    after: StoredItem | None
    is_claimed: bool = False


@dataclass(frozen=True, slots=True)
class Superseded:
    """The item is not what it was, or somebody has claimed it: nothing was done."""
