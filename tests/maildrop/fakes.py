# SPDX-License-Identifier: Apache-2.0
"""A MaildropStore in memory; it passes the same contract as the real ones."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from eepost.accounts.model import Account, State
from eepost.maildrop.limit import DEFAULT_LIMIT_OCTETS
from eepost.maildrop.model import Arrival, Encapsulation, SealedMessage, SentId, StoredEntry, Usage
from eepost.maildrop.ports import (
    AccountGone,
    Delivered,
    MaildropFull,
    Outcome,
    StoreUnavailable,
    TakenBefore,
)
from tests.accounts.fakes import MemoryAccounts


class MemoryMaildrops:
    """Maildrops of the accounts in `accounts`. Set `is_unavailable` to let every call fail."""

    def __init__(self, accounts: MemoryAccounts, limit_octets: int = DEFAULT_LIMIT_OCTETS) -> None:
        self.is_unavailable = False
        self._accounts = accounts
        self._limit_octets = limit_octets
        self._messages: dict[int, dict[int, SealedMessage]] = defaultdict(dict)
        self._tags: dict[int, set[bytes]] = defaultdict(set)
        self._sent: dict[int, dict[bytes, bytes]] = defaultdict(dict)
        self._marks: Counter[int] = Counter()
        self._arrived: set[bytes] = set()
        accounts.when_deleted.append(self._destroy)

    async def deliver(
        self, messages: Sequence[SealedMessage], sent: SentId | None = None
    ) -> Outcome:
        self._check()
        owners = {message.account for message in messages}
        for number in owners:
            account = self._accounts.by_number(number)
            if account is None or account.state is State.DISABLED:
                return AccountGone(number)
            new = sum(each.padded_octets for each in messages if each.account == number)
            usage = self._usage(number)
            if usage.octets + new > usage.limit_octets:
                return MaildropFull(number)
        for message in messages:
            self._messages[message.account][message.number] = message
            self._marks[message.account] += 1
            self._tags[message.account].update(message.thread_tags)
        if sent is not None:
            self._sent[sent.account][sent.tag] = sent.sealed
        return Delivered({number: self._usage(number) for number in owners})

    async def arrive(
        self, messages: Sequence[SealedMessage], arrival: Arrival
    ) -> Outcome | TakenBefore:
        if not self._arrived.isdisjoint(arrival.tags):
            return TakenBefore()
        outcome = await self.deliver(messages)
        if isinstance(outcome, Delivered):
            self._arrived.update(arrival.tags)
        return outcome

    async def arrived(self, tags: Collection[bytes]) -> frozenset[bytes]:
        self._check()
        return frozenset(tags) & self._arrived

    async def usage(self, account: int) -> Usage:
        self._check()
        return self._usage(account)

    def mark(self, account: int) -> int | None:
        self._check()
        return self._marks[account]

    async def snapshot(self, account: int) -> Sequence[StoredEntry]:
        self._check()
        return [
            StoredEntry(each.number, each.encapsulation.number, each.entry, each.padded_octets)
            for each in self._messages[account].values()
        ]

    async def encapsulations(self, account: int) -> Sequence[Encapsulation]:
        self._check()
        needed = (each.encapsulation for each in self._messages[account].values())
        return list({each.number: each for each in needed}.values())

    async def fetch(self, account: int, numbers: Sequence[int]) -> Mapping[int, bytes]:
        self._check()
        found = self._messages[account]
        return {number: found[number].segments[0] for number in numbers if number in found}

    async def fetch_segment(self, account: int, number: int, at: int) -> bytes | None:
        self._check()
        message = self._messages[account].get(number)
        if message is None or at >= len(message.segments):
            return None
        return message.segments[at]

    async def known_tags(self, account: int, tags: Collection[bytes]) -> frozenset[bytes]:
        self._check()
        return frozenset(tags) & self._tags[account]

    async def sent_ids(self, account: int, tags: Collection[bytes]) -> Mapping[bytes, bytes]:
        self._check()
        return {tag: self._sent[account][tag] for tag in tags if tag in self._sent[account]}

    async def remove(self, account: int, numbers: Sequence[int]) -> None:
        self._check()
        for number in numbers:
            if self._messages[account].pop(number, None):
                self._marks[account] += 1

    async def empty(self, account: int) -> int:
        self._check()
        self._tags.pop(account, None)
        self._sent.pop(account, None)
        self._marks[account] += 1
        return len(self._messages.pop(account, {}))

    def _usage(self, number: int) -> Usage:
        messages = self._messages[number].values()
        account = self._accounts.by_number(number)
        own = account.maildrop_octets if account else None
        limit = self._limit_octets if own is None else own
        return Usage(len(messages), sum(each.padded_octets for each in messages), limit)

    def _destroy(self, account: Account) -> None:
        self._tags.pop(account.number, None)
        self._sent.pop(account.number, None)
        self._messages.pop(account.number, None)

    def _check(self) -> None:
        if self.is_unavailable:
            raise StoreUnavailable
