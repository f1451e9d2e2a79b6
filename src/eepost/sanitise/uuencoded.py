# SPDX-License-Identifier: Apache-2.0
"""Files that stand in a plain text, as programs wrote them before there was MIME (uuencode).

Trust: anybody may have written the text. Mail programs still show such a file as one, with the
path that it had and with all that it tells inside.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from eepost.mail.transfer import decode_transfer
from eepost.mail.violation import PeerViolation

# In one text: who has more packs them.
MAX_FILES = 100

_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,200})\r?\n", re.MULTILINE)
# The lines of a file hold no small letters, so that the line behind them ends it.
_NO_LINE = re.compile(rb"[^ -`\r\n]")
_END = re.compile(rb"end[ \t]*+(?:\r?\n|\Z)")


@dataclass(frozen=True, slots=True)
class _Span:
    name: bytes
    start: int
    end: int


def holds_files(text: bytes) -> bool:
    """Say whether a file stands in `text`."""
    return any(True for _ in _spans(text))


def split_files(text: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return `text` without the files in it, and their names with their octets.

    Raises PeerViolation where they are too many or too long.
    """
    kept: list[bytes] = []
    files: list[tuple[str, bytes]] = []
    at = 0
    for span in _spans(text):
        packed = text[span.start : span.end]
        octets = decode_transfer(packed, b"x-uuencode")
        if octets == packed or len(files) == MAX_FILES:
            raise PeerViolation("files in a text are too many or too long")
        files.append((span.name.decode("utf-8", "replace"), octets))
        kept.append(text[at : span.start])
        at = span.end
    return (b"".join([*kept, text[at:]]), files) if files else (text, files)


def _spans(text: bytes) -> Iterator[_Span]:
    for begin in _BEGIN.finditer(text) if b"begin " in text else ():
        stop = _NO_LINE.search(text, begin.end())
        end = _END.match(text, stop.start()) if stop is not None else None
        if end is not None and begin.end() < end.start() and text[end.start() - 1] == _LF:
            yield _Span(begin[1], begin.start(), end.end())


_LF = 10
