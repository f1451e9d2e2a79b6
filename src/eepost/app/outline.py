# SPDX-License-Identifier: Apache-2.0
"""A message in lines that people can read: texts decoded, files in a word.

For showing only; it never refuses, and what it can't follow it shows as it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from eepost.mail.charset import decode_text
from eepost.mail.message import Part, split_message
from eepost.mail.transfer import decode_transfer
from eepost.mail.violation import PeerViolation

# A screen or two of each part: longer texts say nothing more to somebody who compares.
MAX_LINES_OF_A_PART = 200
# What a wide screen shows of a line.
MAX_LINE_CHARACTERS = 400


def outline(message: bytes) -> list[str]:
    """Return `message` as lines without line ends, fields unfolded."""
    message = _LINE_END.sub(b"\r\n", message)
    try:
        root = split_message(message)
    except PeerViolation:
        return _cut(_lines(message))
    return list(_Outline(message).part(root))


def _lines(octets: bytes, charset: str = "") -> list[str]:
    return decode_text(octets, charset).replace("\r\n", "\n").split("\n")


def _cut(lines: list[str]) -> list[str]:
    kept = [line[:MAX_LINE_CHARACTERS] for line in lines[:MAX_LINES_OF_A_PART]]
    left = len(lines) - len(kept)
    return [*kept, f"[... {left} more lines]"] if left else kept


# HTML in lines of its own making: programs write all in one, or break where they like.
_BEFORE_BLOCK = re.compile(
    r"(?i)\s*(?=<(?:!(?!\[endif)|(?:html|head|title|meta|style|base|body|div|p|table|tbody|tr|ul|ol|li|h\d"
    r"|blockquote|pre|hr|form|script|noscript|iframe|object|svg|math|template)\b))"
)
_LINE_END = re.compile(rb"\r\n|\r|\n")
# Two words or more: single ones stand in files by chance.
_WORDS = re.compile(rb"[A-Za-z][A-Za-z'-]{2,30}(?:[ ,.:/_+-]{1,3}[A-Za-z0-9'+]{1,30}){1,12}")
_MAX_WORDS = 6


def _words_in(content: bytes) -> str:
    """Return what people could read in a file, for the looker to compare: "; in it: ..."."""
    found = dict.fromkeys(each.decode("ascii") for each in _WORDS.findall(content))
    return f"; in it: {' | '.join(list(found)[:_MAX_WORDS])}" if found else ""


@dataclass(frozen=True, slots=True)
class _Outline:
    message: bytes

    def part(self, part: Part) -> Iterator[str]:
        """Yield header and body of a part, and of those in it."""
        for name, colon, value in part.fields:
            text = decode_text(name + colon) + " ".join(decode_text(value).split())
            yield (text.replace(":", ": ", 1))[:MAX_LINE_CHARACTERS]
        yield ""
        if not part.children:
            yield from self._leaf(part)
            return
        at = part.body_start
        for child in part.children:
            yield from self._between(at, child.start)
            yield from self.part(child)
            at = child.end
        yield from self._between(at, part.end)

    def _between(self, start: int, end: int) -> list[str]:
        """Return what stands around parts: delimiters, and words that no reader shows."""
        octets = self.message[start:end].strip(b"\r\n")
        return _cut(_lines(octets)) if octets else []

    def _leaf(self, part: Part) -> list[str]:
        octets = self.message[part.body_start : part.end]
        content = decode_transfer(octets, part.transfer_encoding)
        if part.main_type not in {"text", "message", "multipart"} or b"\0" in content:
            return [f"[{len(content):,} octets{_words_in(content)}]"]
        lines = _lines(content.rstrip(b"\r\n"), part.content_type.get("charset"))
        if part.content_type.value == "text/html":
            broken = _BEFORE_BLOCK.sub("\n", " ".join(lines)).split("\n")
            lines = [line for line in broken if line]
        return _cut(lines)
