# SPDX-License-Identifier: Apache-2.0
"""What the queue needs of a store, beside taking items in and letting them go.

Those two happen in one commit with what lies in maildrops, and stand in `services.mta.ports`.
Every call may raise `eepost.maildrop.ports.StoreUnavailable`.
"""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import Protocol

from eepost.queue.allowance import Allowance
from eepost.queue.sealing import StoredItem


class QueueStore(Protocol):
    """Keeps sealed items. Several programs may claim at once; each item goes to one of them."""

    def claim(
        self, now: int, latest: int, until: int, count: int
    ) -> Awaitable[Sequence[StoredItem]]:
        """Return up to `count` items that are due and nobody else works on, and reserve them.

        All in minutes. Nobody else gets them before the minute `until`; after a crash the lease
        runs out by itself. What is due, or reserved, for later than `latest` was planned by a
        clock that was wrong, and is given too.
        """

    def next_due(self, now: int, latest: int) -> Awaitable[bool]:
        """Say whether `claim` would give something; cheaper than to claim in vain."""

    def renew(self, numbers: Collection[int], until: int) -> Awaitable[None]:
        """Reserve items that were claimed for longer; 0 gives them back."""

    def free(self) -> Awaitable[None]:
        """Give back all items: for a program that is the only one to claim, at its start."""

    def item(self, number: int) -> Awaitable[StoredItem | None]:
        """Return an item, None where it is gone."""

    def items(self, after: int, count: int) -> Awaitable[Sequence[StoredItem]]:
        """Return up to `count` items with numbers above `after`, in their order."""

    def content(self, number: int, segments: int) -> Awaitable[Sequence[bytes]]:
        """Return the first `segments` sealed segments of an item, fewer where some are gone."""

    def octets(self) -> Awaitable[int]:
        """Return how many octets of content wait, those that a crash orphaned among them."""

    def last_batch(self) -> Awaitable[int]:
        """Return the minute of the last batch that has left, 0 for none."""

    def note_batch(self, minute: int) -> Awaitable[None]:
        """Note that the batch of this minute has left."""

    def allowance(self, holder_tag: bytes) -> Awaitable[Allowance]:
        """Return what an account has used of what it may send."""

    def hour_keys(self, hour: int) -> Awaitable[Mapping[int, bytes]]:
        """Return the random keys of this hour, made if need be, and of those that still count."""

    def is_correspondent(self, tag: bytes) -> Awaitable[bool]:
        """Say whether `tag` was among an entry's `written_to` in the last months."""

    def opted_out(self) -> Awaitable[frozenset[bytes]]:
        """Return the tags of all who want no mail from here."""

    def opt_out(self, address_tag: bytes, is_out: bool) -> Awaitable[None]:
        """Note that a person wants no mail from here, or takes it again."""

    def tidy(self, hour: int, period: int) -> Awaitable[None]:
        """Forget what was of use before `hour`, correspondents before `period`, and orphans."""
