# SPDX-License-Identifier: Apache-2.0
"""Seals items under the queue key, which comes from the start key, and opens them.

Duty: whoever takes the disk without the start key sees how many items wait, their padded sizes
and the minutes in which they are due, and nothing else. Each item's content is sealed under a key
of its own that stands in its record, so destroying the record destroys the content.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

import msgspec

from eepost.queue.item import Item
from eepost.seal.broken import SealBroken
from eepost.seal.randomness import Randomness
from eepost.seal.segments import (
    SEALING_KEY_OCTETS,
    Octets,
    SealingKey,
    content_segments,
    open_segment,
    seal_message,
)
from eepost.seal.startkey import StartKey

# The minute in which nothing is due: of items that are held.
NEVER = 2**53
_PURPOSE = "queue"
_VERSION = 1
_HEAD = Struct(">BI")
_NUMBER = Struct(">Q")
# So that a record's size does not tell the length of a name or an address.
_STEP_OCTETS = 1024


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item as it is kept. `record` is never the same twice, so it also names a version."""

    number: int
    due: int  # minute since 1970, or NEVER
    record: bytes
    lease: int = 0  # minute until which somebody has claimed it


@dataclass(frozen=True, slots=True)
class SealedItem:
    """A new item, ready to be kept with its content."""

    stored: StoredItem
    padded_octets: int
    segments: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class QueueSealer:
    """Seals and opens items."""

    key: StartKey
    randomness: Randomness

    def content_key(self) -> bytes:
        """Return a fresh key for one item's content."""
        return self.randomness(SEALING_KEY_OCTETS)

    def number(self) -> int:
        """Return a fresh number for one item."""
        return int.from_bytes(self.randomness(_NUMBER.size), "big") >> 1

    def seal(self, item: Item) -> StoredItem:
        """Return the item's record."""
        text = msgspec.msgpack.encode(item)
        framed = _HEAD.pack(_VERSION, len(text)) + text
        padded = framed + bytes(-len(framed) % _STEP_OCTETS)
        record = self.key.seal(_PURPOSE, self.randomness, padded, _NUMBER.pack(item.number))
        return StoredItem(item.number, NEVER if item.is_held else item.due, record)

    def seal_new(self, item: Item, pieces: Sequence[Octets]) -> SealedItem:
        """Return the item with its content, `item.size_octets` long."""
        segments, padded_octets = seal_message(SealingKey(item.key), item.number, pieces)
        return SealedItem(self.seal(item), padded_octets, segments)

    def open(self, stored: StoredItem) -> Item:
        """Return the item of a record. Raises SealBroken, also for one of a newer release."""
        padded = self.key.open(_PURPOSE, stored.record, _NUMBER.pack(stored.number))
        version, length = _HEAD.unpack_from(padded)
        if version != _VERSION:
            raise SealBroken
        return msgspec.msgpack.decode(padded[_HEAD.size : _HEAD.size + length], type=Item)


def segments_of(item: Item) -> int:
    """Return how many segments hold the item's content."""
    return content_segments(item.size_octets)


def open_content(item: Item, segments: Sequence[bytes]) -> bytearray:
    """Return the item's content from all its segments in order. Raises SealBroken."""
    key = SealingKey(item.key)
    content = bytearray()
    for at, octets in enumerate(segments):
        content += open_segment(key, item.number, at, octets, item.size_octets)
    if len(content) != item.size_octets:
        raise SealBroken
    return content
