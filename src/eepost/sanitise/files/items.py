# SPDX-License-Identifier: Apache-2.0
"""Items of HEIC and AVIF pictures that are not shown: EXIF, XMP (ISO 14496-12 8.11)."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from eepost.sanitise.files.outcome import Unclean

# Items of one picture: its tiles, some hundreds for a large one.
MAX_ITEMS = 10_000

_DAMAGED = "picture has items that can't be followed"
_SHOWN = frozenset(b"hvc1 av01 avc1 vvc1 lhv1 j2k1 jpeg grid iden iovl tmap".split())
# Where EXIF begins (nothing before it), and a directory without tags.
_EMPTY_EXIF = b"\0\0\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"
_IN_FILE, _IN_BOX = 0, 1


def hidden_items(made: bytearray, start: int, end: int) -> Mapping[int, bytes]:
    """Return number and kind of the items that are not shown, from the box `iinf`.

    Names of items become blank in `made`.
    """
    version = made[start]
    at = start + (6 if version == 0 else 8)
    found: dict[int, bytes] = {}
    while at + 8 <= end:
        (size,) = struct.unpack_from(">I", made, at)
        version = made[at + 8] if size > 12 else 0
        if version < 2 or at + size > end or len(found) > MAX_ITEMS:
            raise Unclean(_DAMAGED)
        wide = 2 if version == 2 else 4
        number = int.from_bytes(made[at + 12 : at + 12 + wide], "big")
        kind_at = at + 12 + wide + 2
        kind = bytes(made[kind_at : kind_at + 4])
        made[kind_at + 4 : at + size] = bytes(max(0, at + size - kind_at - 4))
        if kind not in _SHOWN:
            found[number] = kind
        at += size
    return found


@dataclass(slots=True)
class _Reader:
    octets: bytes
    at: int

    def number(self, size: int) -> int:
        """Return the next number, of `size` octets. Raises Unclean beyond the end."""
        self.at += size
        if self.at > len(self.octets):
            raise Unclean(_DAMAGED)
        return int.from_bytes(self.octets[self.at - size : self.at], "big")


@dataclass(slots=True)
class Blankable:
    """What of a file may be blanked: no more pieces and octets than it may hold of them."""

    pieces: int  # they may need no octet in the table that lists them
    octets: int

    def take(self, pieces: int, octets: int) -> None:
        """Count what is about to be blanked. Raises Unclean where it is too much."""
        self.pieces -= pieces
        self.octets -= octets
        if self.pieces < 0 or self.octets < 0:
            raise Unclean(_DAMAGED)


def blank_items(
    made: bytearray,
    places: bytes,
    hidden: Mapping[int, bytes],
    inner_start: int,
    blankable: Blankable,
) -> None:
    """Blank the `hidden` items; `places` is what the box `iloc` holds.

    `inner_start` is where the content of the box `idat` starts. Raises Unclean where an item
    can't be found.
    """
    reader = _Reader(places, 4)
    version = places[0] if places else 0
    sizes = reader.number(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    wide = 2 if version < 2 else 4
    count = reader.number(wide)
    if count > MAX_ITEMS:
        raise Unclean(_DAMAGED)
    for _ in range(count):
        number = reader.number(wide)
        method = reader.number(2) & 15 if version else _IN_FILE
        reader.number(2)  # of a file elsewhere
        base = reader.number(base_size)
        extent_count = reader.number(2)
        blankable.take(extent_count, 0)
        for _ in range(extent_count):
            reader.number(index_size)
            start, length = base + reader.number(offset_size), reader.number(length_size)
            if number in hidden:
                if method not in {_IN_FILE, _IN_BOX}:
                    raise Unclean(_DAMAGED)
                blankable.take(0, length)
                start += inner_start if method == _IN_BOX else 0
                _blank(made, start, length, hidden[number])


def _blank(made: bytearray, start: int, length: int, kind: bytes) -> None:
    if not length or start + length > len(made):
        raise Unclean(_DAMAGED)
    beginning = _EMPTY_EXIF if kind == b"Exif" and length >= len(_EMPTY_EXIF) else b""
    made[start : start + length] = beginning + bytes(length - len(beginning))
