# SPDX-License-Identifier: Apache-2.0
"""Plain text bodies: UTF-8, unwrapped, without what a program leaves at the ends of lines."""

import re
from dataclasses import dataclass

from eepost.mail.charset import decode_text
from eepost.mail.flowed import unwrap_flowed
from eepost.mail.transfer import encode_base64, encode_quoted_printable
from eepost.mail.unstructured import MAX_LINE_COLUMNS
from eepost.mail.violation import PeerViolation

# Of a hundred octets so many may need three of quoted-printable before base64 is shorter.
_QUOTED_PER_CENT = 16

# Lines of a text to be read: a book has ten thousand. One takes up to half a microsecond.
MAX_LINES = 500_000

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
_PATCH = (b"@@ -", b"diff --git ")
# Beyond ASCII, what is replaced above, and the blanks that are cut off at the ends of lines.
_NEEDS_CARE = re.compile(
    "[^\u00a1-\u00ac\u00ae-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff"
    "\u3001-\ufefe\uff00-\ufff8\U00010000-\U0010ffff]"
)
# What nearly all text to be read says of itself, found by one match instead of the whole grammar:
# its character set, and whether its lines flow.
PLAIN_TYPE = re.compile(
    rb"""\s*+text/plain\s*+(?:;\s*+charset="?([A-Za-z0-9_.:+-]{1,40})"?\s*+)?"""
    rb"""(?:;\s*+format="?(?:(flowed)|fixed)"?\s*+)?(?:;\s*+delsp="?(?:(yes)|no)"?\s*+)?;?\s*+""",
    re.IGNORECASE,
)

# ASCII that shows, with tabs and line ends: what needs neither care nor an encoding.
_PLAIN = bytes((9, 10, 13, *range(32, 127)))


@dataclass(frozen=True, slots=True)
class Encoded:
    """Octets ready to stand in a body, CRLF at their end, and the transfer encoding they are in."""

    encoding: bytes
    octets: bytes


def rebuild_text(
    content: bytes, charset: str = "", *, is_flowed: bool = False, deletes_space: bool = False
) -> bytes:
    """Return what a decoded text body that is not clear-signed becomes: UTF-8, CRLF at its end.

    The two switches are the parameters format=flowed and delsp=yes (RFC 3676). Raises PeerViolation
    where there are too many lines.
    """
    text = decode_text(content, charset)
    octets = text.encode("utf-8")
    foreign = octets.translate(None, _PLAIN)
    needs_care = foreign != b"" and _NEEDS_CARE.search(foreign.decode("utf-8")) is not None
    if needs_care:
        octets = text.translate(_REPLACED).encode("utf-8")
    # Twice as fast as counting them: most text has one every seventy octets.
    ends = len(octets) - len(octets.translate(None, b"\r\n"))
    if ends > 2 * MAX_LINES:
        raise PeerViolation("text has too many lines")
    if not (foreign or is_flowed) and ends == 2 * octets.count(b"\r\n") and _is_trimmed(octets):
        return octets.strip(b"\r\n") + b"\r\n"
    lines = octets.splitlines()
    if is_flowed:
        lines = unwrap_flowed(lines, deletes_space=deletes_space)
    trimmed = b"\r\n".join(_trimmed(lines, needs_care=needs_care))
    if b"@@ -" in trimmed or b"diff --git" in trimmed:
        trimmed = b"\r\n".join(_trimmed_before_patch(lines, needs_care=needs_care))
    return trimmed.strip(b"\r\n") + b"\r\n"


def _is_trimmed(octets: bytes) -> bool:
    """Say whether CRLF lines of nothing but _PLAIN have no blanks at their ends.

    Most have none; taking them apart and joining them again would take as long as all else.
    """
    return not (b" \r" in octets or b"\t\r" in octets or octets.endswith((b" ", b"\t")))


def _trimmed(lines: list[bytes], *, needs_care: bool) -> list[bytes]:
    """Return lines without blanks at their ends, but for the mark above a signature."""
    if needs_care:  # there may be blanks beyond ASCII
        trimmed = [line.decode("utf-8").rstrip().encode("utf-8") for line in lines]
    else:
        trimmed = [line.rstrip() for line in lines]
    if _SIGNATURE in lines:
        pairs = zip(lines, trimmed, strict=True)
        trimmed = [_SIGNATURE if line == _SIGNATURE else short for line, short in pairs]
    return trimmed


def _trimmed_before_patch(lines: list[bytes], *, needs_care: bool) -> list[bytes]:
    """Return lines with the blanks of a patch, where none is idle.

    It is taken to go on to the end of the text.
    """
    starts = (at for at, line in enumerate(lines) if line.startswith(_PATCH))
    start = next(starts, len(lines))
    return _trimmed(lines[:start], needs_care=needs_care) + lines[start:]


_SIGNATURE = b"-- "


def rebuild_clear_signed(content: bytes, charset: str) -> tuple[str, bytes]:
    """Return character set and octets that a clear-signed text becomes, CRLF at its end.

    A clear signature covers octets, so these stay as they are, in their character set too where
    they are neither ASCII nor UTF-8.
    """
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
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
    foreign = octets.translate(None, _PLAIN)
    if not foreign and _has_short_lines(octets):
        return Encoded(b"7bit", octets)
    quoted = len(foreign) + octets.count(b"=")
    if quoted * 100 <= _QUOTED_PER_CENT * len(octets):
        return Encoded(b"quoted-printable", encode_quoted_printable(octets))
    return Encoded(b"base64", encode_base64(octets))


def _has_short_lines(octets: bytes) -> bool:
    return max(map(len, octets.split(b"\r\n"))) <= MAX_LINE_COLUMNS
