# SPDX-License-Identifier: Apache-2.0
"""What maildrops need of a store."""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from eepost.maildrop.model import Arrival, Encapsulation, SealedMessage, SentId, StoredEntry, Usage


class StoreUnavailable(Exception):  # noqa: N818 - the house's name for it, see docs/style.md
    """The store cannot do its work now (disk full, locked, gone); becomes 451 4.3.0."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Durable in every maildrop. `usage` maps account numbers to how full they are with it.

    What later calls add in the same commit is not counted in, so that each level of filling is
    passed by one call only and its owner is warned once.
    """

    usage: Mapping[int, Usage]


@dataclass(frozen=True, slots=True)
class MaildropFull:
    """One of the recipients has no room; nothing was delivered to anybody."""

    account: int


@dataclass(frozen=True, slots=True)
class AccountGone:
    """One of the recipients was deleted or disabled meanwhile; nothing was delivered to anybody."""

    account: int


@dataclass(frozen=True, slots=True)
class TakenBefore:
    """Some of it was delivered before; nothing was delivered now."""


Outcome = Delivered | MaildropFull | AccountGone


class MaildropStore(Protocol):
    """Keeps sealed messages. Every call may raise StoreUnavailable."""

    def deliver(
        self, messages: Sequence[SealedMessage], sent: SentId | None = None
    ) -> Awaitable[Outcome]:
        """Keep all of `messages` (one for each recipient) or none; durable when it returns.

        `sent` is kept with them and only with them.

        Calls made while a commit is under way share the next one (group commit). The room that
        is left is checked inside the transaction.
        """

    def arrive(
        self, messages: Sequence[SealedMessage], arrival: Arrival
    ) -> Awaitable[Outcome | TakenBefore]:
        """Keep all of `messages` and the arrival's tags, or nothing; durable when it returns."""

    def arrived(self, tags: Collection[bytes]) -> Awaitable[frozenset[bytes]]:
        """Return those of `tags` that came with an arrival in the last days."""

    def usage(self, account: int) -> Awaitable[Usage]:
        """Return how full the maildrop is."""

    def mark(self, account: int) -> int | None:
        """Return at once what changes when messages come or go; None where that is not known.

        Who took a mark before a snapshot and finds it unchanged would see no message now that
        the snapshot had not, unless its delivery has not returned yet.
        """

    def snapshot(self, account: int) -> Awaitable[Sequence[StoredEntry]]:
        """Return what lies in the maildrop, in no particular order; may answer at once if empty."""

    def encapsulations(self, account: int) -> Awaitable[Sequence[Encapsulation]]:
        """Return the encapsulations that the account's messages need."""

    def fetch(self, account: int, numbers: Sequence[int]) -> Awaitable[Mapping[int, bytes]]:
        """Return the first sealed segment of each message that is still there."""

    def fetch_segment(self, account: int, number: int, at: int) -> Awaitable[bytes | None]:
        """Return segment `at` (from 0) of a message, None past its end or when it is gone."""

    def known_tags(self, account: int, tags: Collection[bytes]) -> Awaitable[frozenset[bytes]]:
        """Return those of `tags` that came with mail to the account (`thread_tags`)."""

    def sent_ids(self, account: int, tags: Collection[bytes]) -> Awaitable[Mapping[bytes, bytes]]:
        """Return what is sealed (see SentId) for those of `tags` that the account's mail got."""

    def remove(self, account: int, numbers: Sequence[int]) -> Awaitable[None]:
        """Delete messages; durable when it returns; those already gone are no error."""

    def empty(self, account: int) -> Awaitable[int]:
        """Delete all messages, thread tags and sent identifiers; return how many messages."""
