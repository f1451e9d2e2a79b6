# SPDX-License-Identifier: Apache-2.0
"""What lies in a maildrop: sealed messages, and the small sealed entry that lists each of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Encapsulation:
    """A fresh sealing key, encapsulated to one generation of an account's key pair."""

    number: int  # 63 random bits
    account: int
    generation: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class SealedMessage:
    """One message for one account, ready to be kept.

    `segments` are the sealed pieces of the padded message in order; a store may keep the first
    ones before the message itself is committed. `padded_octets` is what counts for the limit.
    `thread_tags` are keyed hashes of the Message-IDs that the account gets to know with it, kept
    when the message is gone, until `thread_period` (see `thread_period_of`) is long over.
    """

    number: int  # 63 random bits, the row's id
    account: int
    encapsulation: Encapsulation
    entry: bytes  # sealed IndexEntry
    padded_octets: int
    segments: Sequence[bytes]
    thread_tags: Collection[bytes] = ()
    thread_period: int = 0


@dataclass(frozen=True, slots=True)
class SentId:
    """What leads from the identifier that a message was given back to its sender's own one.

    `tag` is a keyed hash of the identifier given, `sealed` the sender's own, so that neither says
    anything to who reads the disk. Kept until `period` is long over, like thread tags.
    """

    account: int  # the sender's
    tag: bytes
    sealed: bytes
    period: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """What tells mail from the Internet that was taken already from mail that comes again.

    Each of `tags` stands for one transfer to one recipient and names neither; `day` counts from
    1970 and says how long they are kept.
    """

    tags: Collection[bytes]
    day: int


# A gateway that could not reach the core for longer than this may deliver twice.
ARRIVAL_DAYS_KEPT = 7


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """What a snapshot holds of a message before its owner's key opened the entry."""

    number: int
    encapsulation: int  # number of the Encapsulation it is sealed under
    entry: bytes
    padded_octets: int


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """What a listing shows, once opened."""

    order: int  # ascending in the order of arrival
    size_octets: int
    unique_id: str
    arrived_utc: int  # seconds since 1970


@dataclass(frozen=True, slots=True)
class Usage:
    """How full a maildrop is, in padded octets."""

    messages: int
    octets: int
    limit_octets: int

    @property
    def is_full(self) -> bool:
        """Nothing more goes in."""
        return self.octets >= self.limit_octets


# A reply to mail that is older than this starts a thread of its own.
THREAD_PERIODS_KEPT = 12
_PERIOD_SECONDS = 30 * 86_400


def thread_period_of(seconds_utc: int) -> int:
    """Return the number of the thirty days since 1970 that `seconds_utc` lies in.

    Coarse, since it stands in the clear: a month says little about when somebody was written to.
    """
    return seconds_utc // _PERIOD_SECONDS
