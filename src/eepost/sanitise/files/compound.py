# SPDX-License-Identifier: Apache-2.0
"""Compound files (MS-CFB), in which old office documents stand: streams found, read and written.

Trust: anybody may have made the file. Chains of sectors are followed within the file's own size;
nothing moves, and a stream is written in the octets that it has.
"""

import struct
from dataclasses import dataclass, field

from eepost.sanitise.files.outcome import Unclean

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Streams and storages in one file: workbooks with hundreds of objects have some thousands.
MAX_ENTRIES = 20_000

DAMAGED = "office document is damaged, or of a kind that is not known here"
_FREE, _LAST_REGULAR = 0xFFFFFFFF, 0xFFFFFFFA
_ENTRY_OCTETS, _MINI_OCTETS = 128, 64
_UNUSED, _STREAM = 0, 2


@dataclass(frozen=True, slots=True)
class Entry:
    """A stream: its name, where its octets stand in the file, piece by piece."""

    name: str
    pieces: tuple[tuple[int, int], ...]  # start and end of each


@dataclass(slots=True)
class CompoundFile:
    """A compound file that is being cleaned. Raises Unclean where it can't be followed."""

    made: bytearray
    streams: list[Entry] = field(default_factory=list)
    _sector: int = 0
    _fat: tuple[int, ...] = ()
    _followed: int = 0

    @classmethod
    def parse(cls, octets: bytes) -> "CompoundFile":
        """Return the file with its streams found, and what no stream holds made zero."""
        file = cls(bytearray(octets))
        try:
            file._read()
        except struct.error:
            raise Unclean(DAMAGED) from None
        return file

    def read(self, entry: Entry) -> bytes:
        """Return what a stream holds."""
        return b"".join(bytes(self.made[start:end]) for start, end in entry.pieces)

    def write(self, entry: Entry, octets: bytes) -> None:
        """Put `octets` in the place of what a stream holds: as many as these are."""
        at = 0
        for start, end in entry.pieces:
            self.made[start:end] = octets[at : at + end - start]
            at += end - start

    def _read(self) -> None:
        (shift,) = struct.unpack_from("<H", self.made, 30)
        if shift not in {9, 12}:
            raise Unclean(DAMAGED)
        self._sector = 1 << shift
        self._fat = self._table(self._fat_sectors())
        self._blank_free_sectors()
        self._find_streams()

    def _place(self, sector: int) -> int:
        # The header takes a whole sector (MS-CFB 2.2), of which 512 octets mean something.
        return (sector + 1) * self._sector

    def _fat_sectors(self) -> list[int]:
        listed = list(struct.unpack_from("<109I", self.made, 76))
        (further,) = struct.unpack_from("<I", self.made, 68)
        per_sector = self._sector // 4
        limit = len(self.made) // self._sector
        while further <= _LAST_REGULAR and len(listed) <= limit + 109:
            part = struct.unpack_from(f"<{per_sector}I", self.made, self._place(further))
            listed += part[:-1]
            further = part[-1]
        return [each for each in listed if each <= _LAST_REGULAR]

    def _table(self, sectors: list[int]) -> tuple[int, ...]:
        if len(sectors) > len(self.made) // self._sector + 1:
            raise Unclean(DAMAGED)
        count = self._sector // 4
        parts = [struct.unpack_from(f"<{count}I", self.made, self._place(each)) for each in sectors]
        return tuple(each for part in parts for each in part)

    def _chain(self, sector: int, table: tuple[int, ...]) -> list[int]:
        found = []
        while sector <= _LAST_REGULAR:
            found.append(sector)
            self._followed += 1
            # Each sector belongs to one chain, so all chains together are no longer than the file.
            if sector >= len(table) or self._followed > len(self.made) // _MINI_OCTETS:
                raise Unclean(DAMAGED)
            sector = table[sector]
        return found

    def _blank_free_sectors(self) -> None:
        # What was deleted still stands there: paragraphs that an author took out again.
        for sector, following in enumerate(self._fat):
            start = self._place(sector)
            if following == _FREE and start < len(self.made):
                self._blank(start, start + self._sector)

    def _blank(self, start: int, end: int) -> None:
        end = min(end, len(self.made))
        self.made[start:end] = bytes(max(0, end - start))

    def _find_streams(self) -> None:
        (directory,) = struct.unpack_from("<I", self.made, 48)
        places = [
            start
            for sector in self._chain(directory, self._fat)
            for start in range(self._place(sector), self._place(sector + 1), _ENTRY_OCTETS)
        ]
        if len(places) > MAX_ENTRIES:
            raise Unclean(DAMAGED)
        cutoff, mini_start = struct.unpack_from("<II", self.made, 56)
        mini_table = self._table(self._chain(mini_start, self._fat))
        mini_sectors = self._mini_sectors(places[0], len(mini_table))
        for at in places:
            length, kind = struct.unpack_from("<HB", self.made, at + 64)
            start, size = struct.unpack_from("<II", self.made, at + 116)
            self._blank(at + 100, at + 116)  # when it was made and changed
            if kind == _UNUSED:
                self._blank(at, at + 64)
            elif kind == _STREAM and size:
                name = bytes(self.made[at : at + max(0, min(length, 64) - 2)])
                if size < cutoff:
                    pieces = [mini_sectors[each] for each in self._chain(start, mini_table)]
                else:
                    pieces = self._sectors(self._chain(start, self._fat))
                self.streams.append(self._entry(name.decode("utf-16-le", "replace"), size, pieces))

    def _sectors(self, chain: list[int]) -> list[tuple[int, int]]:
        return [(self._place(each), self._place(each + 1)) for each in chain]

    def _mini_sectors(self, root: int, count: int) -> list[tuple[int, int]]:
        """Return where the small sectors stand: in the stream of the first entry."""
        (start,) = struct.unpack_from("<I", self.made, root + 116)
        places = [
            (each, each + _MINI_OCTETS)
            for begin, end in self._sectors(self._chain(start, self._fat))
            for each in range(begin, end, _MINI_OCTETS)
        ]
        # The table has room for more than there are; what is there not holds nothing.
        return places + [(0, 0)] * max(0, count - len(places))

    def _entry(self, name: str, size: int, pieces: list[tuple[int, int]]) -> Entry:
        """Return a stream with its last piece cut to its size; what is behind becomes zero."""
        kept = []
        for start, end in pieces:
            cut = min(end, start + size)
            if cut > len(self.made):
                raise Unclean(DAMAGED)
            kept.append((start, cut))
            self._blank(cut, end)
            size -= cut - start
        if size:
            raise Unclean(DAMAGED)
        return Entry(name, tuple(kept))
