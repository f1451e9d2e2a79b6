# SPDX-License-Identifier: Apache-2.0
"""Items for tests, and chance that gives what the test wants."""

import hashlib
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from eepost.mail.address import Address
from eepost.mail.envelope import DEFAULT_NOTIFY, Notify
from eepost.queue.item import Forward, Item
from eepost.queue.release import Departure
from eepost.queue.sealing import QueueSealer, SealedItem
from eepost.seal.startkey import StartKey

NOON = 1_795_435_200  # Monday, 2026-11-23 12:00 UTC
NOON_MINUTE = NOON // 60
_numbers = itertools.count(1)


def least(count: int) -> bytes:
    """Chance that always gives the smallest."""
    return bytes(count)


def most(count: int) -> bytes:
    """Chance that always gives the largest."""
    return b"\xff" * count


def chance() -> Callable[[int], bytes]:
    """Chance that is the same in every run and never gives the same twice."""
    drawn = itertools.count()

    def draw(count: int) -> bytes:
        return hashlib.shake_256(f"chance {next(drawn)}".encode()).digest(count)

    return draw


def forward(name: str, notify: Notify = DEFAULT_NOTIFY, **more: Any) -> Forward:
    return Forward(Address(name, "example.org"), notify, **more)


def item(*forwards: Forward, **more: Any) -> Item:
    number = next(_numbers)
    plain = Item(
        number=number,
        owner=7,
        name="alice",
        key=hashlib.sha256(f"key {number}".encode()).digest(),
        size_octets=11,
        accepted_utc=NOON,
        departure=Departure.AT_ONCE,
        departs=NOON_MINUTE,
        due=NOON_MINUTE,
        forwards=forwards or (forward("bob"),),
    )
    return replace(plain, **more)


def sealer() -> QueueSealer:
    drawn = chance()
    return QueueSealer(StartKey.generate(drawn), drawn)


def sealed(with_: QueueSealer, each: Item, content: bytes = b"hello\r\nyou\r") -> SealedItem:
    return with_.seal_new(replace(each, size_octets=len(content)), [content])
