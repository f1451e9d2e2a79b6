# SPDX-License-Identifier: Apache-2.0
"""Samples of a film's track, found by its tables and blanked (ISO 14496-12 8.6 to 8.7)."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from eepost.sanitise.files.outcome import Unclean

# Of all tracks that go: a place a second for ten hours.
MAX_SAMPLES = 100_000

_DAMAGED = "film has a track that can't be followed"


@dataclass(slots=True)
class Samples:
    """Blanks samples of a file's tracks, never more than the file may hold of them."""

    made: bytearray
    left: int = field(init=False)
    octets_left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = MAX_SAMPLES
        self.octets_left = len(self.made)

    def blank(self, table: Mapping[bytes, bytes]) -> None:
        """Blank all samples of a track; `table` holds the contents of the boxes in its `stbl`.

        Raises Unclean where the tables contradict each other.
        """
        sizes = self._sizes(table.get(b"stsz", b""))
        at = 0
        for start, count in _chunks(table):
            end = start + sum(sizes[at : at + count])
            at += count
            self.octets_left -= end - start
            if end > len(self.made) or self.octets_left < 0:
                raise Unclean(_DAMAGED)
            self.made[start:end] = bytes(end - start)
        if at < len(sizes) and sizes[at]:
            raise Unclean(_DAMAGED)

    def _sizes(self, box: bytes) -> Sequence[int]:
        """Return the size of each sample. Raises Unclean for a damaged box."""
        if len(box) < 12:
            raise Unclean(_DAMAGED)
        size, count = struct.unpack_from(">II", box, 4)
        self.left -= count
        # Samples of one size take room in the file, if none in the table.
        if self.left < 0 or size * count > len(self.made):
            raise Unclean(_DAMAGED)
        if size:
            same: tuple[int, ...] = (size,) * count
            return same
        if len(box) < 12 + 4 * count:
            raise Unclean(_DAMAGED)
        sizes: tuple[int, ...] = struct.unpack_from(f">{count}I", box, 12)
        return sizes


def _chunks(table: Mapping[bytes, bytes]) -> Iterator[tuple[int, int]]:
    """Yield where each chunk starts, and how many samples it holds."""
    wide = b"co64" in table
    offsets = table.get(b"co64", table.get(b"stco", b""))
    runs = table.get(b"stsc", b"")
    if len(offsets) < 8 or len(runs) < 8:
        raise Unclean(_DAMAGED)
    size = 8 if wide else 4
    (count,) = struct.unpack_from(">I", offsets, 4)
    (run_count,) = struct.unpack_from(">I", runs, 4)
    if len(offsets) < 8 + size * count or len(runs) < 8 + 12 * run_count or count > MAX_SAMPLES:
        raise Unclean(_DAMAGED)
    starts = [
        each[0]
        for each in struct.iter_unpack(">Q" if wide else ">I", offsets[8 : 8 + size * count])
    ]
    listed = struct.iter_unpack(">III", runs[8 : 8 + 12 * run_count])
    samples = {first: each for first, each, _ in listed}
    held = 0
    for number, start in enumerate(starts, 1):
        held = samples.get(number, held)
        if held > MAX_SAMPLES:
            raise Unclean(_DAMAGED)
        yield start, held
