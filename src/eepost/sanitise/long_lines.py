# SPDX-License-Identifier: Apache-2.0
"""Lines over the 998 octets of RFC 5322 2.1.1: found, and folded where they stand in a header.

POP3 clients break on longer ones.
"""

import re
from collections.abc import Iterable, Iterator

from eepost.mail.header import Field

MAX_LINE_OCTETS = 998  # without the line end

_BLANK_LINES = re.compile(rb"\r\n[ \t]+(?=\r\n)")


def has_long_lines(octets: bytes | bytearray, start: int = 0, end: int | None = None) -> bool:
    """Say whether a line between `start` and `end` is too long."""
    end = len(octets) if end is None else end
    while end - start > MAX_LINE_OCTETS:
        # The last line end that is near enough: one look for a thousand octets.
        found = octets.rfind(b"\r\n", start, start + MAX_LINE_OCTETS + 2)
        if found < 0:
            return True
        start = found + 2
    return False


def folded(fields: Iterable[Field]) -> bytes:
    """Return fields as they stand, with lines over the limit folded.

    Lines of nothing but blanks go: to some programs they end the header (RFC 5322 4.2).
    """
    octets = b"".join(name + colon + value for name, colon, value in fields)
    if not octets.endswith(b"\r\n") and octets:
        octets += b"\r\n"
    octets = _BLANK_LINES.sub(b"", octets)
    if not has_long_lines(octets):
        return octets
    return b"\r\n".join(piece for line in octets.split(b"\r\n") for piece in _cut(line))


def _cut(line: bytes) -> Iterator[bytes]:
    """Yield a line in pieces: cut at blanks where it has some, or else where the limit is."""
    while len(line) > MAX_LINE_OCTETS:
        at = max(line.rfind(b" ", 1, MAX_LINE_OCTETS), line.rfind(b"\t", 1, MAX_LINE_OCTETS))
        if at < 0:
            at = MAX_LINE_OCTETS - 1
            line = line[:at] + b" " + line[at:]
        yield line[:at]
        line = line[at:]
    yield line
