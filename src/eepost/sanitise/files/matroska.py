# SPDX-License-Identifier: Apache-2.0
"""Matroska and WebM without titles, times, tags and encoders' names (RFC 9559).

Nothing moves: what goes becomes an element Void of its size (RFC 8794 11.3.2).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from eepost.sanitise.files.encoders import blank_encoders
from eepost.sanitise.files.outcome import Unclean

MAGIC = b"\x1a\x45\xdf\xa3"
# Elements that are looked at: a file has one cluster a few seconds.
MAX_ELEMENTS = 100_000

_DAMAGED = "film is damaged, or of a kind that is not known here"
_VOID = 0xEC
_EBML, _SEGMENT, _SEEK_HEAD, _INFORMATION, _TRACKS, _TRACK = (
    *(0x1A45DFA3, 0x18538067, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0xAE),
)
_CLUSTER, _CUES, _CHAPTERS = 0x1F43B675, 0x1C53BB6B, 0x1043A770
_MUXING_APP, _WRITING_APP, _CODEC_PRIVATE = 0x4D80, 0x5741, 0x63A2
_SEEK, _SEEK_ID = 0x4DBB, 0x53AB
# What stays, by what it stands in; other elements are not gone through.
_KEPT = {
    0: frozenset((_EBML, _SEGMENT)),
    _SEGMENT: frozenset((_SEEK_HEAD, _INFORMATION, _TRACKS, _CLUSTER, _CUES, _CHAPTERS)),
    _INFORMATION: frozenset((0x2AD7B1, 0x4489, _MUXING_APP, _WRITING_APP)),
    _TRACKS: frozenset((_TRACK,)),
}
# Of a track: its name, its codec's, CRC-32, and which attachment it likes.
_TRACK_DROPPED = frozenset((0x536E, 0x258688, 0x3A9697, 0xBF, 0x7446))


@dataclass(frozen=True, slots=True)
class _Element:
    name: int
    start: int
    body: int
    end: int


def strip_matroska(octets: bytes) -> bytes:
    """Return the film without metadata. Raises Unclean where it can't be followed."""
    stripper = _Stripper(octets, bytearray(octets))
    stripper.walk(0, 0, len(octets))
    return bytes(stripper.made)


@dataclass(slots=True)
class _Stripper:
    octets: bytes
    made: bytearray
    elements: int = 0

    def walk(self, parent: int, at: int, end: int) -> None:
        """Clean the elements between `at` and `end`."""
        for each in self._elements(at, end):
            if parent == _TRACK:
                self._of_track(each)
            elif each.name not in _KEPT[parent]:
                self._void(each)
            elif each.name in _KEPT or each.name == _TRACK:
                self.walk(each.name, each.body, each.end)
            elif each.name == _SEEK_HEAD:
                self._void(each)  # it names what is gone; players look for the rest themselves
            elif each.name in {_MUXING_APP, _WRITING_APP}:
                self.made[each.body : each.end] = bytes(each.end - each.body)
            elif each.name == _CLUSTER:
                blank_encoders(self.made, each.body, each.end)

    def _of_track(self, element: _Element) -> None:
        if element.name in _TRACK_DROPPED:
            self._void(element)
        elif element.name == _CODEC_PRIVATE:
            blank_encoders(self.made, element.body, element.end)

    def _elements(self, at: int, end: int) -> Iterator[_Element]:
        while at < end:
            name_size = self._width(at)
            size_at = at + name_size
            size_size = self._width(size_at)
            body = size_at + size_size
            name = int.from_bytes(self.octets[at:size_at], "big")
            size = int.from_bytes(self.octets[size_at:body], "big") & ((1 << 7 * size_size) - 1)
            if size == (1 << 7 * size_size) - 1 and name == _SEGMENT:
                size = end - body  # of a stream whose end was not known
            self.elements += 1
            if body + size > end or self.elements > MAX_ELEMENTS:
                raise Unclean(_DAMAGED)
            yield _Element(name, at, body, body + size)
            at = body + size

    def _width(self, at: int) -> int:
        """Return the octets of the number that starts here (RFC 8794 4)."""
        octet = self.octets[at] if at < len(self.octets) else 0
        if not octet:
            raise Unclean(_DAMAGED)
        return 9 - octet.bit_length()

    def _void(self, element: _Element) -> None:
        total = element.end - element.start
        width = 8 if total > 9 else 1
        size = total - 1 - width
        header = bytes((_VOID,)) + (size | 1 << 7 * width).to_bytes(width, "big")
        self.made[element.start : element.end] = header + bytes(size)
