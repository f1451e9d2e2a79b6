# SPDX-License-Identifier: Apache-2.0
"""Reads the replies of a far server, bounded (RFC 5321 4.2).

Trust: the service sends this, or whoever sits at the port that should lead to it.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from eepost.mail.violation import PeerViolation
from eepost.wire.lines import BadLine, LineBuffer

# RFC 5321 4.5.3.1.5 asks for 512 with CRLF; real servers put addresses of pages into longer ones.
MAX_LINE_OCTETS: Final = 2_048
# The longest real reply is that to EHLO, with some twenty lines.
MAX_LINES: Final = 128
# What people are shown of a reply.
MAX_WORDS_CHARACTERS: Final = 400

_LINE: Final = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FarReply:
    """What a far server answered; `lines` are printable, without code."""

    code: int
    lines: tuple[str, ...] = field(repr=False)

    @property
    def words(self) -> str:
        """The reply in one line, for people; bounded."""
        return f"{self.code} {' '.join(self.lines)}".strip()[:MAX_WORDS_CHARACTERS]

    @property
    def is_positive(self) -> bool:
        """Yes: 2yz. The 3yz are answers to commands that ask for more, and no yes to others."""
        return self.code < 300

    @property
    def is_final(self) -> bool:
        """No, and for good: 5yz."""
        return self.code >= 500


class ReplyReader:
    """Makes replies of what comes."""

    __slots__ = ("_buffer", "_code", "_lines")

    def __init__(self) -> None:
        self._buffer = LineBuffer()
        self._lines: list[str] = []
        self._code = b""

    def feed(self, octets: bytes) -> None:
        """Take what came, cut anywhere."""
        self._buffer.feed(octets)

    def next_reply(self) -> FarReply | None:
        """Return the next whole reply, None while there is none. Raises PeerViolation."""
        while (line := self._buffer.take_line(MAX_LINE_OCTETS)) is not None:
            if isinstance(line, BadLine):
                raise PeerViolation("a line of a reply is too long or ends badly")
            reply = self._add(line)
            if reply is not None:
                return reply
        return None

    def _add(self, line: bytes) -> FarReply | None:
        found = _LINE.fullmatch(line)
        if found is None or (self._lines and found[1] != self._code):
            raise PeerViolation("what came is no reply")
        self._code = found[1]
        self._lines.append(_printable(found[3] or b""))
        if len(self._lines) > MAX_LINES:
            raise PeerViolation("a reply has too many lines")
        if found[2] == b"-":
            return None
        reply = FarReply(int(found[1]), tuple(self._lines))
        self._lines = []
        return reply


def _printable(octets: bytes) -> str:
    text = octets.decode("utf-8", "replace")
    return "".join(each if each.isprintable() else " " for each in text).strip()
