# SPDX-License-Identifier: Apache-2.0
"""Plain text bodies: UTF-8, unwrapped, without what a program leaves at the ends of lines."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from eepost.mail.charset import decode_text
from eepost.mail.flowed import unwrap_flowed
from eepost.mail.parameters import Parameters
from eepost.mail.transfer import encode_base64, encode_quoted_printable
from eepost.mail.unstructured import MAX_LINE_COLUMNS
from eepost.sanitise.armor import holds_armor, strip_armor_headers

# Of a hundred octets so many may need three of quoted-printable before base64 is shorter.
_QUOTED_PER_CENT = 16

# No-break spaces and byte order marks come from editors, not from writers; the other controls show
# nothing. Tabs stay: tables in plain text need them. Bidirectional controls stay in bodies.
_REPLACED = {
    **dict.fromkeys([*range(9), 11, *range(14, 32), *range(0x7F, 0xA0)]),
    0x0C: "\n",
    0x85: "\n",
    0x2028: "\n",
    0x2029: "\n",
    0xA0: " ",
    0xAD: None,
    0xFEFF: None,
    **dict.fromkeys(range(0xFFF9, 0xFFFC)),
}
# How a patch begins, in git's form and in others.
_PATCH = ("@@ -", "diff --git ")
_TROUBLED = re.compile(
    "[^\t\n\r -~\u00a1-\u00ac\u00ae-\u2027\u202a-\ufefe\uff00-\ufff8\U00010000-\U0010ffff]"
)
# ASCII that shows, with tabs and line ends: what needs neither care nor an encoding.
_PLAIN = bytes((9, 10, 13, *range(32, 127)))


@dataclass(frozen=True, slots=True)
class Encoded:
    """Octets ready to stand in a body, CRLF at their end, and the transfer encoding they are in."""

    encoding: bytes
    octets: bytes


def rebuild_text(content: bytes, content_type: Parameters) -> tuple[str, bytes]:
    """Return character set and octets that a decoded text body becomes, CRLF at its end.

    The character set is utf-8 but for text that holds OpenPGP armor and whose octets are neither
    ASCII nor UTF-8: a clear signature covers octets, so these stay as they are.
    """
    charset = content_type.get("charset")
    if holds_armor(content):
        return _with_armor(content, charset)
    text = decode_text(content, charset)
    if content.translate(None, _PLAIN) and _TROUBLED.search(text):
        text = text.translate(_REPLACED)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if content_type.get("format").lower() == "flowed":
        lines = unwrap_flowed(lines, deletes_space=content_type.get("delsp").lower() == "yes")
    lines = list(_without_trailing_blanks(lines))
    return "utf-8", ("\r\n".join(lines).strip("\r\n") + "\r\n").encode("utf-8")


def _without_trailing_blanks(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines without what programs leave at their ends.

    In a patch no blank is idle; it is taken to go on to the end of the text.
    """
    in_patch = False
    for line in lines:
        in_patch = in_patch or line.startswith(_PATCH)
        yield line if in_patch or line == "-- " else line.rstrip()


def plain_span(body: bytes, *, is_flowed: bool) -> tuple[int, int] | None:
    """Return what of a body would stand unchanged as text of the encoding 7bit, or None.

    A shortcut for most mail, which is short lines of ASCII: None where there is any doubt.
    """
    lines = body.split(b"\r\n")
    if lines[-1] or body.translate(None, _PLAIN) or max(map(len, lines)) > MAX_LINE_COLUMNS:
        return None
    if not body.count(b"\n") == body.count(b"\r") == len(lines) - 1:
        return None
    first_octets = {line[:1] for line in lines}
    # Quotes and stuffed spaces mean something in flowed text; hyphens may begin armor.
    if is_flowed and not first_octets.isdisjoint((b" ", b">")):
        return None
    if not _BLANK_OCTETS.isdisjoint({line[-1:] for line in lines}):
        return None
    if b"-" in first_octets and holds_armor(body):
        return None
    start = len(body) - len(body.lstrip(b"\r\n"))
    end = len(body.rstrip(b"\r\n")) + 2
    return (start, end) if start < end - 2 else None


_BLANK_OCTETS = frozenset((b" ", b"\t"))


def _with_armor(content: bytes, charset: str) -> tuple[str, bytes]:
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    content = strip_armor_headers(content)
    return "utf-8" if is_utf8(content) else charset.lower() or "windows-1252", content


def is_utf8(content: bytes) -> bool:
    """Say whether `content` is UTF-8 or ASCII."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def encode_text(octets: bytes) -> Encoded:
    """Return text (CRLF lines) in the encoding that follows from its octets alone.

    7bit where lines are short and ASCII, else quoted-printable where few octets need it.
    """
    if octets.isascii() and not octets.translate(None, _PLAIN) and _has_short_lines(octets):
        return Encoded(b"7bit", octets)
    foreign = len(octets.translate(None, _PLAIN)) + octets.count(b"=")
    if foreign * 100 <= _QUOTED_PER_CENT * len(octets):
        return Encoded(b"quoted-printable", encode_quoted_printable(octets))
    return Encoded(b"base64", encode_base64(octets))


def _has_short_lines(octets: bytes) -> bool:
    return max(map(len, octets.split(b"\r\n"))) <= MAX_LINE_COLUMNS
