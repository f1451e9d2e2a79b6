# SPDX-License-Identifier: Apache-2.0
"""TIFF of the tags and octets that are seen; everything else in the file becomes zero.

Nothing moves, so every offset stays right: a page's directory just gets shorter.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from eepost.sanitise.files.icc import strip_icc
from eepost.sanitise.files.jpeg import blank_exif
from eepost.sanitise.files.outcome import Unclean

MAGICS = (b"II*\0", b"MM\0*")
# Pages of one file: more than a fax of a thousand pages nobody sends.
MAX_PAGES = 2_000
# Strips of one file, which may overlap: copying them must stay in proportion to the file.
MAX_COPIED_TIMES = 4

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_FORMATS = {1: "B", 3: "H", 4: "I"}
_STRIPS = ((273, 279), (324, 325))  # offsets and sizes of strips, of tiles
_ICC = 34675
_SUB_PAGES, _COMPRESSION, _OLD_JPEG, _JPEG = 330, 259, 6, 7
# TIFF 6.0, its technical notes and what scanners and fax programs need: no text, time or EXIF.
_KEPT = frozenset(
    {
        *range(254, 260),
        *(262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 286, 287),
        *(288, 289, 290, 291, 292, 293, 296, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324),
        *(325, 326, 327, 328, 332, 334, 336, 338, 339, 340, 341, 342, 347, 529, 530, 531, 532),
        _ICC,
    }
)
_DAMAGED = "TIFF picture is damaged, or of a kind that is not known here"


def strip_tiff(octets: bytes) -> bytes:
    """Return the picture without metadata. Raises Unclean where it can't be followed."""
    try:
        return _Stripper(octets).strip()
    except struct.error:
        raise Unclean(_DAMAGED) from None


@dataclass(slots=True)
class _Stripper:
    octets: bytes
    order: str = field(init=False)
    made: bytearray = field(init=False)
    copied: int = 0
    holds_jpeg: bool = False

    def __post_init__(self) -> None:
        self.order = "<" if self.octets.startswith(b"II") else ">"
        self.made = bytearray(len(self.octets))

    def strip(self) -> bytes:
        self._copy(0, 8)
        (at,) = self._read("I", 4)
        seen: set[int] = set()
        while at:
            if at in seen or len(seen) >= MAX_PAGES:
                raise Unclean(_DAMAGED)
            seen.add(at)
            at = self._page(at)
        # Each strip may be a whole picture as a camera wrote it.
        return blank_exif(bytes(self.made)) if self.holds_jpeg else bytes(self.made)

    def _read(self, layout: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(self.order + layout, self.octets, at)

    def _copy(self, start: int, size: int) -> None:
        self.copied += size
        if start + size > len(self.octets) or self.copied > MAX_COPIED_TIMES * len(self.octets):
            raise Unclean(_DAMAGED)
        self.made[start : start + size] = self.octets[start : start + size]

    def _page(self, at: int) -> int:
        """Copy what is seen of one page; return where the next one's directory stands."""
        (count,) = self._read("H", at)
        entries = {
            self._read("H", each)[0]: each for each in range(at + 2, at + 2 + 12 * count, 12)
        }
        if _SUB_PAGES in entries:
            raise Unclean("TIFF picture is raw, or holds others")
        packed_by = self._numbers(entries[_COMPRESSION]) if _COMPRESSION in entries else ()
        if packed_by == (_OLD_JPEG,):
            raise Unclean(_DAMAGED)
        self.holds_jpeg |= packed_by == (_JPEG,)
        kept = [(tag, each) for tag, each in sorted(entries.items()) if tag in _KEPT]
        for tag, each in kept:
            self._keep_value(tag, each)
        for offsets, sizes in _STRIPS:
            if offsets in entries:
                if sizes not in entries:
                    raise Unclean(_DAMAGED)
                self._keep_strips(entries[offsets], entries[sizes])
        directory = b"".join(self.octets[each : each + 12] for _, each in kept)
        (following,) = self._read("I", at + 2 + 12 * count)
        written = struct.pack(self.order + "H", len(kept)) + directory
        written += struct.pack(self.order + "I", following)
        self.made[at : at + len(written)] = written
        return following

    def _extent(self, entry: int) -> tuple[int, int]:
        """Return where an entry's value stands, and its size."""
        _, kind, count = self._read("HHI", entry)
        size = _SIZES.get(kind, 1) * count
        return (self._read("I", entry + 8)[0] if size > 4 else entry + 8), size

    def _keep_value(self, tag: int, entry: int) -> None:
        start, size = self._extent(entry)
        if size <= 4:
            return  # stands in the directory
        self._copy(start, size)
        if tag == _ICC:
            profile = strip_icc(self.octets[start : start + size])
            self.made[start : start + size] = profile or bytes(size)

    def _numbers(self, entry: int) -> tuple[int, ...]:
        start, size = self._extent(entry)
        _, kind, count = self._read("HHI", entry)
        if kind not in _FORMATS or start + size > len(self.octets):
            raise Unclean(_DAMAGED)
        return self._read(f"{count}{_FORMATS[kind]}", start)

    def _keep_strips(self, offsets: int, sizes: int) -> None:
        for start, size in self._pairs(offsets, sizes):
            self._copy(start, min(size, max(0, len(self.octets) - start)))

    def _pairs(self, offsets: int, sizes: int) -> Iterator[tuple[int, int]]:
        return zip(self._numbers(offsets), self._numbers(sizes), strict=False)
