# SPDX-License-Identifier: Apache-2.0
"""A value with parameters: Content-Type and Content-Disposition (RFC 2045 5.1, 2183, 2231).

Trust: anybody may have written what is read here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from eepost.mail.charset import decode_text
from eepost.mail.unstructured import MAX_LINE_COLUMNS, decode_unstructured, fold
from eepost.mail.violation import PeerViolation

# Parameters in one field: real mail has at most five, names cut into many sections some dozens.
MAX_PARAMETERS = 200

# Much real mail leaves the quotes out around values with blanks, so only a semicolon ends one.
_SEGMENT = re.compile(rb'((?:[^;"]++|"(?:[^"\\]|\\.)*+"?)*+)(?:;|\Z)', re.DOTALL)
_COMMENT = re.compile(rb"\([^()]*+\)")
_QUOTED = re.compile(rb'[^"]*+"((?:[^"\\]|\\.)*+)', re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\([\"\\])")
_SECTION = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+")
_PRINTABLE = re.compile(r"[ -~]+")
_PRINTABLE_OCTETS = re.compile(rb"[ -~]*+")
_ATTRIBUTE_CHAR = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_")
# RFC 2231 3: octets of one piece of a long value; a line holds it with name and section beside it.
_PIECE_COLUMNS = 50


@dataclass(frozen=True, slots=True)
class Parameters:
    """A value in lower case and its parameters by lower-case name, decoded."""

    value: str
    by_name: dict[str, str]

    def get(self, name: str) -> str:
        """Return the parameter, "" where it is missing."""
        return self.by_name.get(name, "")


def parse_parameters(value: bytes) -> Parameters:
    """Return what a field's value says. Raises PeerViolation where there are too many parameters.

    Of two parameters with one name the first counts, but one that is encoded counts more than one
    that is not (RFC 6266 4.3). Comments go; sections and percent signs of
    RFC 2231 and, since programs write them here, encoded words are decoded.
    """
    head, _, rest = value.partition(b";")
    segments = _SEGMENT.findall(rest) if rest.strip() else ()
    if len(segments) > MAX_PARAMETERS:
        raise PeerViolation("too many parameters in a header field")
    pieces: dict[str, dict[int, tuple[bool, bytes]]] = {}
    for segment in segments:
        name, equals, octets = segment.partition(b"=")
        section = _SECTION.fullmatch(_plain(name).lower()) if equals else None
        if section is not None:
            at = int(section[2] or 0)
            sections = pieces.setdefault(section[1], {})
            is_encoded = bool(section[3])
            if at not in sections or (is_encoded and not sections[at][0]):
                sections[at] = (is_encoded, _content(octets))
    return Parameters(
        _plain(head).lower(), {name: _joined(sections) for name, sections in pieces.items()}
    )


def _plain(octets: bytes) -> str:
    if b"(" in octets:
        octets = _COMMENT.sub(b" ", octets)
    return octets.strip().decode("latin-1")


def _content(octets: bytes) -> bytes:
    octets = octets.strip()
    quoted = _QUOTED.fullmatch(octets.removesuffix(b'"')) if b'"' in octets else None
    if quoted is not None:
        return _QUOTED_PAIR.sub(rb"\1", quoted[1])
    return _COMMENT.sub(b"", octets).strip() if octets.endswith(b")") else octets


def _joined(sections: dict[int, tuple[bool, bytes]]) -> str:
    if sections.keys() == {0} and not sections[0][0]:
        return _as_written(sections[0][1])
    charset = ""
    octets = b""
    for at, (is_encoded, piece) in sorted(sections.items()):
        content = piece
        if is_encoded:
            if at == 0 and piece.count(b"'") >= 2:
                label, _, content = piece.split(b"'", 2)
                charset = label.decode("latin-1")
            content = _PERCENT.sub(lambda pair: bytes.fromhex(pair[1].decode()), content)
        octets += content
    return decode_unstructured(decode_text(octets, charset).encode("utf-8"))


def _as_written(octets: bytes) -> str:
    # Boundaries may hold runs of blanks, so nothing is tidied that needs no decoding.
    if _PRINTABLE_OCTETS.fullmatch(octets) and b"=?" not in octets:
        return octets.decode("ascii")
    return decode_unstructured(octets)


def write_parameters(name: bytes, value: str, parameters: Iterable[tuple[str, str]] = ()) -> bytes:
    """Return the field `name`, folded, with its CRLF; parameters with an empty value are left out.

    `value` and the parameters' names are ASCII tokens. A value is a token where it can be, else
    quoted, and where it is long or not ASCII in the sections of RFC 2231 with UTF-8.
    """
    words = [value.encode("ascii")]
    for attribute, content in parameters:
        if content:
            words[-1] += b";"
            words += _written(attribute, content)
    return fold(name, words)


def _written(attribute: str, content: str) -> list[bytes]:
    if _PRINTABLE.fullmatch(content) and len(attribute) + len(content) <= MAX_LINE_COLUMNS - 8:
        if not _TOKEN.fullmatch(content):
            content = '"' + re.sub(r'(["\\])', r"\\\1", content) + '"'
        return [f"{attribute}={content}".encode("ascii")]
    pieces = _encoded_pieces(content)
    if len(pieces) == 1:
        return [b"%s*=utf-8''%s" % (attribute.encode("ascii"), pieces[0])]
    prefix = attribute.encode("ascii")
    written = [
        b"%s*%d*=%s%s;" % (prefix, at, b"" if at else b"utf-8''", piece)
        for at, piece in enumerate(pieces)
    ]
    written[-1] = written[-1].removesuffix(b";")
    return written


def _encoded_pieces(content: str) -> list[bytes]:
    pieces = [b""]
    for octet in content.encode("utf-8"):
        written = b"%c" % octet if octet in _ATTRIBUTE_CHAR else b"%%%02X" % octet
        if len(pieces[-1]) + len(written) > _PIECE_COLUMNS:
            pieces.append(b"")
        pieces[-1] += written
    return pieces
