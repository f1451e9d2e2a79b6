# SPDX-License-Identifier: Apache-2.0
"""What can be asked of the lane. Each piece of work succeeds or fails as a whole."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from eepost.maildrop.model import Arrival, SealedMessage, SentId
from eepost.queue.books import Entry, Move
from eepost.queue.sealing import SealedItem


@dataclass(frozen=True, slots=True)
class Delivery:
    """Keep messages, one for each recipient, and do what belongs to them in the queue.

    Segments behind the first are written too, and those of a new item, unless `Portion`s have
    brought them already.
    """

    messages: Sequence[SealedMessage]
    octets: int = 0
    rest_is_stored: bool = False
    sent: SentId | None = None
    entry: Entry | None = None
    move: Move | None = None
    arrival: Arrival | None = None

    @property
    def item(self) -> SealedItem | None:
        """The item that comes into the queue."""
        return self.entry.item if self.entry else None


@dataclass(frozen=True, slots=True)
class Portion:
    """Write some of a large delivery's segments ahead of it, if it has a chance to get in."""

    messages: Sequence[SealedMessage]
    segments: Sequence[tuple[int, int, bytes]]  # message or item, at, octets
    octets: int
    table: str = "segment"


@dataclass(frozen=True, slots=True)
class Discard:
    """Remove the segments of a large delivery that did not come to its end."""

    numbers: Sequence[int]
    octets: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class Removal:
    """Delete messages of one maildrop."""

    account: int
    numbers: Sequence[int]
    octets: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class Emptying:
    """Delete all messages of one maildrop."""

    account: int
    octets: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class Cleaning:
    """Remove segments that a crash left, but none of a delivery that is under way.

    Thread tags of periods before `forget_before` go as well, and arrivals of days before
    `arrivals_before`.
    """

    under_way: frozenset[int]
    forget_before: int
    arrivals_before: int = 0
    octets: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """Make sure that this lane's token stands in the store, so that empty polls are quick."""

    octets: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class Call:
    """Run a few short statements of their own."""

    run: Callable[[sqlite3.Connection], Any]
    leaves_traces: bool = False  # something that was there is deleted
    octets: ClassVar[int] = 0


Work: TypeAlias = Delivery | Portion | Discard | Removal | Emptying | Cleaning | Claim | Call
