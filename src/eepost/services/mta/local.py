# SPDX-License-Identifier: Apache-2.0
"""Puts messages into maildrops: sealed for each recipient, all of them or none, in one commit.

It also knows how full maildrops are, as far as that was learnt, so that a full one is refused at
RCPT already; the store's transaction has the last word.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from eepost.accounts.model import Account
from eepost.accounts.ports import Compute
from eepost.maildrop.limit import crossed
from eepost.maildrop.model import SealedMessage, SentId, Usage
from eepost.maildrop.ports import (
    Delivered,
    MaildropFull,
    MaildropStore,
    Outcome,
    StoreUnavailable,
)
from eepost.maildrop.sealing import Sealer

T = TypeVar("T")
Pieces = Sequence[bytes | memoryview]

# Sealing takes about 3 ms a megabyte; from here on the loop must not wait for it.
OFFLOAD_OCTETS = 131_072
# Fill levels remembered; one costs about 200 octets.
MAX_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Copy:
    """What one account gets."""

    account: Account
    pieces: Pieces
    thread_tags: Collection[bytes] = ()  # see SealedMessage


@dataclass(slots=True)
class LocalDelivery:
    """Delivers to accounts here. `notice` makes the message that warns of a fill level.

    `arrived` hears of each copy once it is durable; it must return at once and never raise.
    """

    maildrops: MaildropStore
    sealer: Sealer
    now_nanoseconds: Callable[[], int]
    notice: Callable[[Account, int], Pieces]
    offload: Compute
    arrived: Callable[[Account], None] = lambda _: None
    warnings_sent: int = 0
    _usage: OrderedDict[int, Usage] = field(default_factory=OrderedDict)

    def remembered_room(self, account: Account) -> int | None:
        """Return the octets that surely fit, or None where the store has to be asked.

        Mail that was fetched meanwhile made room that is not known here, so little room is no
        answer, only plenty is.
        """
        usage = self._usage.get(account.number)
        if usage is None or usage.octets * 2 > usage.limit_octets:
            return None
        return usage.limit_octets - usage.octets

    async def room(self, account: Account) -> Usage:
        """Return how full the maildrop is now. Raises StoreUnavailable."""
        usage = await self.maildrops.usage(account.number)
        self._remember({account.number: usage})
        return usage

    async def deliver(self, copies: Sequence[Copy], sent: SentId | None = None) -> Outcome:
        """Keep every copy or none, with what to remember of the sender's identifier.

        Durable on return. Raises StoreUnavailable.
        """
        return await self.deliver_by(lambda sealed: self.maildrops.deliver(sealed, sent), copies)

    async def deliver_by(
        self, keep: Callable[[Sequence[SealedMessage]], Awaitable[T]], copies: Sequence[Copy]
    ) -> T:
        """Seal every copy, let `keep` make them durable, and return what it says became of them."""
        if sum(len(piece) for copy in copies for piece in copy.pieces) > OFFLOAD_OCTETS:
            sealed = await self.offload(lambda: self._seal(copies))
        else:
            sealed = self._seal(copies)
        outcome = await keep(sealed)
        if isinstance(outcome, Delivered):
            grown: dict[int, int] = {}  # a copy and a report may be for one account
            for message in sealed:
                grown[message.account] = grown.get(message.account, 0) + message.padded_octets
            self._remember(outcome.usage)
            for copy in copies:
                self.arrived(copy.account)
            await self._warn(copies, outcome.usage, grown)
        elif isinstance(outcome, MaildropFull):
            self._usage.pop(outcome.account, None)
        return outcome

    def _seal(self, copies: Sequence[Copy]) -> list[SealedMessage]:
        now = self.now_nanoseconds()
        return [
            self.sealer.seal(copy.account, copy.pieces, now, copy.thread_tags) for copy in copies
        ]

    def _remember(self, usage: Mapping[int, Usage]) -> None:
        for number, each in usage.items():
            self._usage[number] = each
            self._usage.move_to_end(number)
        while len(self._usage) > MAX_REMEMBERED:
            self._usage.popitem(last=False)

    async def _warn(
        self, copies: Sequence[Copy], usage: Mapping[int, Usage], grown: Mapping[int, int]
    ) -> None:
        accounts = {copy.account.number: copy.account for copy in copies}
        for number, account in accounts.items():
            after = usage[number]
            before = after.octets - grown[number]
            level = crossed(before, after.octets, after.limit_octets)
            if level is None or not account.preferences.is_warned:
                continue
            self.warnings_sent += 1
            warning = self._seal([Copy(account, self.notice(account, level))])
            # The mail is durable, so nothing that becomes of the warning may turn its 250 into a
            # "try again". No room for it: then the next sender is told, at RCPT.
            with suppress(StoreUnavailable):
                await self.maildrops.deliver(warning)
