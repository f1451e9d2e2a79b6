# SPDX-License-Identifier: Apache-2.0
"""Content transfer encodings: decoded tolerantly, written in one way (RFC 2045 6).

Trust: anybody may have written what is decoded here.
"""

import binascii
import re
import struct

from eepost.mail.unstructured import MAX_LINE_COLUMNS

# Runs of base64 that end in padding, in one body: what is joined from pieces has some dozens, and
# each takes as long as many octets do.
MAX_PADDINGS = 10_000

# Lines of uuencode: ten megabytes of whole ones are 160,000.
MAX_UU_LINES = 250_000

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\r\n]*\r?\n", re.MULTILINE)
_UU_END = re.compile(rb"^end[ \t\r]*$", re.MULTILINE)


def transfer_encoding(value: bytes | None) -> bytes:
    """Return the encoding that a field's value names, in lower case; b"" where there is none."""
    named = value.strip(b' \t\r\n";').lower() if value is not None else b""
    if named in ENCODINGS or not named:
        return named
    word = _WORD.match(named)
    return word[0] if word is not None else named


# Those that are known here; one with something behind it, as a comment, is still that one.
ENCODINGS = frozenset(
    {
        *(b"7bit", b"8bit", b"binary", b"base64", b"quoted-printable", b"quoted printable"),
        *(b"x-uuencode", b"uuencode", b"x-uue"),
    }
)
_WORD = re.compile(rb"quoted printable|[a-z0-9-]++")


def decode_transfer(octets: bytes, encoding: bytes) -> bytes:
    """Return the content of a body in `encoding` (lower case); unknown ones change nothing.

    Never fails: damaged base64 gives what can be read of it, as mail programs show it.
    """
    if encoding == b"base64":
        return decode_base64(octets)
    if encoding in {b"quoted-printable", b"quoted printable"}:
        return binascii.a2b_qp(octets)
    if encoding in {b"x-uuencode", b"uuencode", b"x-uue"}:
        return _decode_uu(octets)
    return octets


def decode_base64(octets: bytes) -> bytes:
    """Return what base64 text stands for; foreign characters are skipped (RFC 2045 6.8)."""
    end = octets.find(b"=")
    if end < 0 or not octets[end:].strip(b"=\r\n"):
        try:
            return binascii.a2b_base64(octets)  # it skips them too, but not all damage
        except binascii.Error:
            pass  # what can be saved of damaged text is saved run by run
    runs = octets.translate(None, _NOT_BASE64).split(b"=")
    if len(runs) > MAX_PADDINGS:
        return _decode_run(b"".join(runs))
    # Padding in the middle: pieces that were encoded one by one and then joined.
    return b"".join(map(_decode_run, runs))


def _decode_run(run: bytes) -> bytes:
    if len(run) % 4 == 1:
        run = run[:-1]
    return binascii.a2b_base64(run + b"=" * (-len(run) % 4))


def _decode_uu(octets: bytes) -> bytes:
    begin = _UU_BEGIN.search(octets)
    end = _UU_END.search(octets, begin.end()) if begin is not None else None
    if begin is None or end is None:
        return octets
    lines = octets[begin.end() : end.start()].splitlines()
    if len(lines) > MAX_UU_LINES:
        return octets
    try:
        return b"".join(_decode_uu_line(line) for line in lines if line)
    except binascii.Error:
        return octets


def _decode_uu_line(line: bytes) -> bytes:
    # Some encoders write a character too many; what the length octet in front says counts.
    length = (line[0] - 32) & 63
    return binascii.a2b_uu(line[: 1 + (length + 2) // 3 * 4])


def encode_base64(octets: bytes) -> bytes:
    """Return base64 in lines of 76 columns, each with its CRLF."""
    text = binascii.b2a_base64(octets, newline=False)
    lines: list[bytes] = []
    for block in _LINES.iter_unpack(memoryview(text)[: len(text) // _LINES.size * _LINES.size]):
        lines += block
    at = len(lines) * MAX_LINE_COLUMNS
    lines += [text[at : at + MAX_LINE_COLUMNS] for at in range(at, len(text), MAX_LINE_COLUMNS)]
    lines.append(b"")
    return b"\r\n".join(lines)


# Cuts sixteen lines at once: twice as fast as one by one, and attachments are made of these.
_LINES = struct.Struct(f"{MAX_LINE_COLUMNS}s" * 16)


def encode_quoted_printable(text: bytes) -> bytes:
    """Return quoted-printable of text with CRLF line ends; it ends in CRLF if `text` does."""
    # The encoder picks the line end of its soft breaks by the first one that it sees.
    encoded = binascii.b2a_qp(b"\r\n" + text, istext=True)
    return encoded[2:]
