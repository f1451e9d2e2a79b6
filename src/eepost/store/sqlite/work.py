# SPDX-License-Identifier: Apache-2.0
"""What can be asked of the lane. Each piece of work succeeds or fails as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from eepost.maildrop.model import SealedMessage, SentId


@dataclass(frozen=True, slots=True)
class Delivery:
    """Keep messages, one for each recipient.

    Segments behind the first are written too, unless `Portion`s have brought them already.
    """

    messages: Sequence[SealedMessage]
    octets: int
    rest_is_stored: bool = False
    sent: SentId | None = None


@dataclass(frozen=True, slots=True)
class Portion:
    """Write some of a large delivery's segments ahead of it, if it has a chance to get in."""

    messages: Sequence[SealedMessage]
    segments: Sequence[tuple[int, int, bytes]]  # message, at, octets
    octets: int


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

    Thread tags of periods before `forget_before` go as well.
    """

    under_way: frozenset[int]
    forget_before: int
    octets: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """Make sure that this lane's token stands in the store, so that empty polls are quick."""

    octets: ClassVar[int] = 0


Work: TypeAlias = Delivery | Portion | Discard | Removal | Emptying | Cleaning | Claim
