# SPDX-License-Identifier: Apache-2.0
"""Looks at a message's content while it comes: its size, its line ends, the length of its lines.

Trust: a logged-in user sends this. Whatever passes is lines that end in CRLF, none of them without,
so that no program that reads it later can see an end of data in it that is none here.
"""

from enum import IntEnum

from eepost.mail.reply import Reply
from eepost.wire.smtp import replies

# How much of a message that is too large is still read, as a multiple of the limit. A client that
# never saw SIZE learns why it fails; one that never ends is cut off.
DRAINED_MULTIPLE = 10


class Flaw(IntEnum):
    """Why a message can't be taken; the greater one is told, so that chunking changes nothing."""

    NONE = 0
    TOO_LARGE = 1
    LINE_TOO_LONG = 2
    BARE_CR_OR_LF = 3


FLAW_REPLIES: dict[Flaw, Reply] = {
    Flaw.TOO_LARGE: replies.TOO_LARGE,
    Flaw.LINE_TOO_LONG: replies.CONTENT_LINE_TOO_LONG,
    Flaw.BARE_CR_OR_LF: replies.CONTENT_BARE_CR_OR_LF,
}


class ContentCheck:
    """One message's content. `flaw` is the worst that was seen so far."""

    __slots__ = ("_held", "_line_limit", "_line_octets", "_octets", "_size_limit", "flaw")

    def __init__(self, size_limit: int, line_limit: int) -> None:
        """Take both in octets; a line counts with its CRLF."""
        self._size_limit = size_limit
        self._line_limit = line_limit
        self._octets = 0
        self._line_octets = 0  # of the line that has not ended yet
        self._held = b""  # a CR that may be half of a line end
        self.flaw = Flaw.NONE

    @property
    def is_endless(self) -> bool:
        """Far more came than any message may have."""
        return self._octets > self._size_limit * DRAINED_MULTIPLE

    def admit(self, octets: bytes) -> bytes:
        """Return what may be passed on of the next octets: nothing after the first flaw."""
        if self._held:
            octets, self._held = self._held + octets, b""
        if octets.endswith(b"\r"):
            octets, self._held = octets[:-1], b"\r"
        self._octets += len(octets)
        if self._octets > self._size_limit:
            self._find(Flaw.TOO_LARGE)
        # Counting either of them would take as long as all else that is done to the octets.
        between = octets.replace(b"\r\n", b"")
        if b"\r" in between or b"\n" in between:
            self._find(Flaw.BARE_CR_OR_LF)
        self._measure_lines(octets)
        return b"" if self.flaw else octets

    def finish(self) -> bytes:
        """Return what has to be added: the CRLF that BDAT may leave out at the end."""
        if self._held:
            self._find(Flaw.BARE_CR_OR_LF)
        return b"\r\n" if self._line_octets and not self.flaw else b""

    def _find(self, flaw: Flaw) -> None:
        self.flaw = max(self.flaw, flaw)

    def _measure_lines(self, octets: bytes) -> None:
        start = -self._line_octets
        while len(octets) - start > self._line_limit:
            # Jumps from line end to line end as far as the limit reaches, not from line to line.
            end = octets.rfind(b"\n", max(start, 0), max(start + self._line_limit, 0))
            if end < 0:
                self._find(Flaw.LINE_TOO_LONG)
                break
            start = end + 1
        self._line_octets = len(octets) - max(start, octets.rfind(b"\n") + 1 or start)
