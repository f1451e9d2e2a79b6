# SPDX-License-Identifier: Apache-2.0
"""gzip without name and time; tar without times, owners and names of groups.

What is inside of both is cleaned as files in other archives are.
"""

import struct
import zlib
from collections.abc import Iterator

from eepost.sanitise.files.archive import MAX_ENTRIES
from eepost.sanitise.files.outcome import Inner, Unclean

GZIP = b"\x1f\x8b\x08"
_DAMAGED = "archive is damaged, or of a kind that is not known here"
# RFC 1952 2.3.1
_HAS_CHECKSUM, _HAS_EXTRA, _HAS_NAME, _HAS_COMMENT = 2, 4, 8, 16
_CLEAN_HEADER = GZIP + b"\0\0\0\0\0\0\xff"

_BLOCK = 512
_USTAR_AT, _USTAR = 257, b"ustar"
# POSIX.1-2017, pax: long names stay; times and the like go.
_PAX_KEPT = frozenset((b"path", b"linkpath"))
_PAX, _PAX_KINDS = b"x", frozenset((b"x", b"g"))  # for the next member, for all that follow
_PAX_NAME = b"pax".ljust(100, b"\0")
_FILE_KINDS = frozenset((b"0", b"\0", b"7"))


def is_tar(octets: bytes) -> bool:
    """Say whether a file is a tar archive."""
    return octets[_USTAR_AT : _USTAR_AT + len(_USTAR)] == _USTAR


def strip_gzip(octets: bytes, inner: Inner) -> bytes:
    """Return the file without its header's fields. Raises Unclean where it can't be followed."""
    start = _end_of_header(octets)
    inflater = zlib.decompressobj(-15)
    try:
        content = inflater.decompress(octets[start:], inner.octets + 1)
    except zlib.error:
        raise Unclean(_DAMAGED) from None
    inner.take(len(content))
    # Behind the first member may stand another with its own name, or anything: it goes.
    if not inflater.eof or len(inflater.unused_data) != 8:
        raise Unclean(_DAMAGED)
    cleaned = inner.strip(content)
    if cleaned == content:
        # Without name and time it tells no more than how it was packed.
        tells = octets[3] or any(octets[4:8])
        return _CLEAN_HEADER + octets[start:] if tells else octets
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = deflater.compress(cleaned) + deflater.flush()
    tail = struct.pack("<II", zlib.crc32(cleaned), len(cleaned) & 0xFFFFFFFF)
    return _CLEAN_HEADER + packed + tail


def _end_of_header(octets: bytes) -> int:
    flags = octets[3] if len(octets) > 18 else 0
    at = 10
    if flags & _HAS_EXTRA:
        at += 2 + int.from_bytes(octets[10:12], "little")
    for flag in (_HAS_NAME, _HAS_COMMENT):
        if flags & flag:
            at = octets.find(b"\0", at) + 1
            if not at:
                raise Unclean(_DAMAGED)
    return at + (2 if flags & _HAS_CHECKSUM else 0)


def strip_tar(octets: bytes, inner: Inner) -> bytes:
    """Return the archive without times and owners. Raises Unclean where it can't be followed."""
    written: list[bytes] = []
    for header, content in _members(octets):
        kind = header[156:157]
        if kind in _PAX_KINDS:
            records = _pax(content) if kind == _PAX else b""
            if records:
                written += _member(_PAX_NAME + header[100:], records)
        else:
            is_file = kind in _FILE_KINDS
            written += _member(header, inner.strip(content) if is_file else content)
    return b"".join(written) + bytes(2 * _BLOCK)


def _member(header: bytes, content: bytes) -> tuple[bytes, bytes, bytes]:
    return _clean(header, len(content)), content, bytes(-len(content) % _BLOCK)


def _members(octets: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = count = 0
    while (header := octets[at : at + _BLOCK]).strip(b"\0"):
        count += 1
        try:
            size = int(header[124:136].strip(b" \0") or b"0", 8)
        except ValueError:
            raise Unclean(_DAMAGED) from None
        start = at + _BLOCK
        if not is_tar(header) or size < 0 or start + size > len(octets) or count > MAX_ENTRIES:
            raise Unclean(_DAMAGED)
        yield header, octets[start : start + size]
        at = start + size + -size % _BLOCK


def _pax(content: bytes) -> bytes:
    """Return the records that are needed to unpack the next member."""
    kept = []
    at = 0
    while (space := content.find(b" ", at, at + 20)) >= 0:
        digits = content[at:space]
        if not digits.isdigit() or int(digits) <= len(digits):
            raise Unclean(_DAMAGED)
        record = content[at : at + int(digits)]
        if record.partition(b" ")[2].partition(b"=")[0] in _PAX_KEPT:
            kept.append(record)
        at += int(digits)
    return b"".join(kept)


def _clean(header: bytes, size: int) -> bytes:
    """Return a header with nothing but name, kind, size, link and whether it may be run."""
    kind = header[156:157]
    is_run = kind == b"5" or any(digit in b"1357" for digit in header[100:107].strip(b" \0")[-3:])
    made = bytearray(header[:100])
    made += b"0000755\0" if is_run else b"0000644\0"
    made += b"0000000\0" * 2 + b"%011o\0" % size + b"00000000000\0" + b" " * 8
    made += header[156:257] + b"ustar\x0000"
    made += bytes(64) + b"0000000\0" * 2
    # GNU's tar has times where others have the beginning of a long name.
    made += header[345:500] if header[257:265] == b"ustar\x0000" else bytes(155)
    made += bytes(12)
    made[148:156] = b"%06o\0 " % sum(made)
    return bytes(made)
