# SPDX-License-Identifier: Apache-2.0
"""Cuts what a peer sends into command lines that end in CRLF and in nothing else.

Trust: anybody who can reach the port feeds this.

RFC 5321 2.3.8 knows no other line end. Two servers that disagree about where a line ends can be
made to disagree about where a message ends (SMTP smuggling), so a bare CR or LF never ends a line
and never passes: the whole line is bad, and that is said as soon as it is seen.
"""

from enum import Enum


class BadLine(Enum):
    """Why a line can't be a command; what is left of it is thrown away up to its CRLF."""

    TOO_LONG = "line too long"
    BARE_CR_OR_LF = "lines end in CR LF"


class LineBuffer:
    """Octets that came and were not used yet; bounded by the limit of the line asked for."""

    __slots__ = ("_discarding", "_octets", "_searched")

    def __init__(self) -> None:
        self._octets = bytearray()
        self._searched = 0  # octets in front that hold no line end: keeps a slow peer linear
        self._discarding = False

    def __len__(self) -> int:
        return len(self._octets)

    def feed(self, octets: bytes) -> None:
        """Append what came from the stream."""
        self._octets += octets

    def take(self, count: int) -> bytes:
        """Return and drop at most `count` octets, whatever they are."""
        octets = self._octets
        if count >= len(octets):
            taken = bytes(octets)
            octets.clear()
        else:
            taken = bytes(octets[:count])
            del octets[:count]
        self._searched = 0
        return taken

    def begins_with(self, prefix: bytes) -> bool:
        """The next line begins with `prefix` (capital letters), in any case of its letters."""
        if self._discarding:
            self._discard()
        return self._octets[: len(prefix)].upper() == prefix

    def take_line(self, limit_octets: int) -> bytes | BadLine | None:
        """Return the next line without its CRLF, why it is bad, or None while it is incomplete.

        `limit_octets` counts the CRLF. A bad line is reported once, as soon as it shows.
        """
        if self._discarding and not self._discard():
            return None
        octets = self._octets
        lf = octets.find(b"\n", self._searched)
        cr = octets.find(b"\r", self._searched, lf if lf >= 0 else len(octets))
        if cr >= 0 and cr + 1 == lf < limit_octets:
            line = bytes(octets[:cr])
            self._drop(lf + 1)
            return line
        if lf < 0 and (cr < 0 or cr + 1 == len(octets)) and len(octets) < limit_octets:
            self._searched = cr if cr >= 0 else len(octets)
            return None
        return self._reject(cr, lf, limit_octets)

    def _reject(self, cr: int, lf: int, limit_octets: int) -> BadLine:
        # The first fault in the stream's order is named, so that chunking changes nothing.
        bare = min(at for at in (cr, lf) if at >= 0) if max(cr, lf) >= 0 else len(self._octets)
        is_crlf = cr >= 0 and cr + 1 == lf
        too_long = is_crlf or bare >= limit_octets - 1
        if is_crlf:
            self._drop(lf + 1)
        else:
            self._discarding = True
            self._discard()
        return BadLine.TOO_LONG if too_long else BadLine.BARE_CR_OR_LF

    def _discard(self) -> bool:
        end = self._octets.find(b"\r\n")
        if end < 0:
            # A CR at the end may be the first half of the line end.
            self._drop(len(self._octets) - self._octets.endswith(b"\r"))
            return False
        self._drop(end + 2)
        self._discarding = False
        return True

    def _drop(self, count: int) -> None:
        del self._octets[:count]
        self._searched = 0
