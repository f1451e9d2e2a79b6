# SPDX-License-Identifier: Apache-2.0
"""How much an account may send to the Internet: different recipients and messages in 24 hours.

What an account has used is a small record: recipients as hashes that nobody can read after a day
(see `HourKeys`), counts by the hour, and the extra recipients that stamps gave. Time is counted in
hours since 1970, which is as exact as anybody needs to be told when there is room again.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

WINDOW_HOURS = 24
_TAG_OCTETS = 12  # nobody can aim at one, and by chance two of a hundred never meet


@dataclass(frozen=True, slots=True)
class Limits:
    """In 24 hours, for each account."""

    recipients: int = 20  # different ones; any number of messages to each
    messages: int = 200
    # Bits of a stamp, and how many recipients more it gives for 24 hours. A core makes one of 20
    # bits in half a second, of 24 in ten, of 27 in a minute and a half.
    stamps: tuple[tuple[int, int], ...] = ((20, 20), (24, 40), (27, 80))

    def worth(self, bits: int) -> int:
        """Return how many recipients a stamp of so many bits gives."""
        return max((more for needed, more in self.stamps if bits >= needed), default=0)

    @property
    def most_by_a_stamp(self) -> int:
        """What the best stamp gives."""
        return max((more for _, more in self.stamps), default=0)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an account has used. Entries begin with the hour that they were made in."""

    recipients: tuple[tuple[int, bytes], ...] = field(default=(), repr=False)
    messages: tuple[tuple[int, int], ...] = ()
    bonuses: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Bonus:
    """A stamp to be counted if it was not yet: `tag` stands for it, `last_day` is its end."""

    tag: bytes
    last_day: int
    recipients: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What a message wants counted.

    Each recipient is all the hashes that it may be known by, this hour's first. `messages` is 0
    where only stamps are handed in.
    """

    holder_tag: bytes
    hour: int
    limits: Limits
    recipients: Sequence[Sequence[bytes]] = field(default=(), repr=False)
    messages: int = 0
    bonuses: Sequence[Bonus] = ()


class Lack(Enum):
    """What there was not enough of."""

    RECIPIENTS = "recipients"
    MESSAGES = "messages"
    EVER = "recipients, whenever it is tried again"


@dataclass(frozen=True, slots=True)
class OverQuota:
    """Nothing was counted; there may be room in `hours`."""

    lack: Lack
    hours: int


def count(known: Allowance, charge: Charge, bonus: int) -> Allowance | OverQuota:
    """Return what is used after `charge`, `bonus` of whose stamps' recipients are new."""
    known = current(known, charge.hour)
    if bonus:
        known = replace(known, bonuses=(*known.bonuses, (charge.hour, bonus)))
    new = _new(known, charge.recipients)
    limit = charge.limits.recipients + sum(more for _, more in known.bonuses)
    if len(known.recipients) + len(new) > limit:
        return _lack_of_recipients(known, len(new), limit, charge)
    if sum(many for _, many in known.messages) + charge.messages > charge.limits.messages:
        return OverQuota(Lack.MESSAGES, _hours_until(known.messages[0][0], charge.hour))
    return Allowance(
        (*known.recipients, *((charge.hour, tag) for tag in new)),
        _added(known.messages, charge.hour, charge.messages),
        known.bonuses,
    )


def current(known: Allowance, hour: int) -> Allowance:
    """Return what still counts at `hour`."""

    def lasts(made: int) -> bool:
        # What seems to come from the future was noted by a clock that was wrong, then or now.
        return -1 <= hour - made < WINDOW_HOURS

    return Allowance(
        tuple(each for each in known.recipients if lasts(each[0])),
        tuple(each for each in known.messages if lasts(each[0])),
        tuple(each for each in known.bonuses if lasts(each[0])),
    )


def _new(known: Allowance, recipients: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Return this hour's hash of each recipient that was not written to yet."""
    tags = {tag for _, tag in known.recipients}
    return list(dict.fromkeys(each[0] for each in recipients if tags.isdisjoint(each)))


def _lack_of_recipients(known: Allowance, new: int, limit: int, charge: Charge) -> OverQuota:
    if new > charge.limits.recipients:
        return OverQuota(Lack.EVER, WINDOW_HOURS)
    # Entries are in the order of their hours; so many have to go before there is room.
    too_many = len(known.recipients) + new - limit
    return OverQuota(Lack.RECIPIENTS, _hours_until(known.recipients[too_many - 1][0], charge.hour))


def _hours_until(made: int, hour: int) -> int:
    return max(1, made + WINDOW_HOURS - hour)


def _added(
    entries: tuple[tuple[int, int], ...], hour: int, many: int
) -> tuple[tuple[int, int], ...]:
    if not many:
        return entries
    if entries and entries[-1][0] == hour:
        return (*entries[:-1], (hour, entries[-1][1] + many))
    return (*entries, (hour, many))


def recipient_tags(
    keys: Mapping[int, bytes], hour: int, holder_tag: bytes, recipients: Iterable[str]
) -> list[list[bytes]]:
    """Return the hashes of each recipient, that of `hour` first.

    `keys` are this hour's and those of the hours that still count.
    """
    ordered = [keys[hour], *(key for made, key in keys.items() if made != hour)]
    return [
        [
            hashlib.blake2b(
                each.encode(), key=key, salt=holder_tag[:16], digest_size=_TAG_OCTETS
            ).digest()
            for key in ordered
        ]
        for each in recipients
    ]


def still_needed(hours: Collection[int], hour: int) -> set[int]:
    """Return which of `hours` have a key that something may still be hashed under."""
    return {each for each in hours if -1 <= hour - each <= WINDOW_HOURS}
