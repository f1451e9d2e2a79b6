# SPDX-License-Identifier: Apache-2.0
"""The edges of parts: no line of a part may look like the edge of one that it stands in.

Trust: anybody may have written the message.

RFC 2046 5.1.1 lets a reader compare boundaries with the beginning of a line alone, and many do. So
a line counts that begins like a delimiter, whatever follows. What was in base64 and is written out
may hold even whole ones.
"""

from dataclasses import dataclass

from eepost.mail.message import Part, boundary_of

Octets = bytes | bytearray


@dataclass(frozen=True, slots=True)
class Edges:
    """How delimiters of the multiparts around a part begin, from the outermost one on."""

    markers: tuple[bytes, ...] = ()

    def inside(self, part: Part) -> "Edges":
        """Return the edges that what stands in `part` must not look like."""
        boundary = boundary_of(part.content_type)
        return Edges((*self.markers, b"--" + boundary)) if boundary else self

    def stand_in(self, octets: Octets, start: int = 0, end: int | None = None) -> bool:
        """Say whether a line between `start`, where one begins, and `end` looks like an edge."""
        return any(_count(each, octets, start, end) for each in self.markers)

    def gap(self, octets: Octets, start: int, end: int, *, is_last: bool) -> bytes | None:
        """Return the innermost delimiter alone, None where the gap holds it once and no other.

        A gap is what stands between parts: a delimiter, and before or behind all parts any words.
        Blanks behind a delimiter make it none to some readers.
        """
        *around, marker = self.markers
        line = marker + b"--" if is_last else marker
        is_plain = start == end or (
            _count(marker, octets, start, end) == 1
            and (
                _count(line + b"\r\n", octets, start, end) == 1 or octets.endswith(line, start, end)
            )
        )
        if is_plain and not Edges(tuple(around)).stand_in(octets, start, end):
            return None
        return b"\r\n" + line + b"\r\n"


def _count(marker: bytes, octets: Octets, start: int, end: int | None) -> int:
    end = len(octets) if end is None else end
    first = octets.startswith(marker, start, end)
    return first + octets.count(b"\r\n" + marker, start, end)
