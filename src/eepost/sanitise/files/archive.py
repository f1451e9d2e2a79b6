# SPDX-License-Identifier: Apache-2.0
"""Zip files and the office documents that are zip files, without times and authors.

Trust: anybody may have made the file.

Entries are copied compressed, by slice, in their order; only those that hold metadata or pictures
are unpacked, never more than a bounded number of octets.
"""

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from eepost.sanitise.files.outcome import Unclean

# Octets unpacked from one archive. Messages have at most 10 MB; what grows more is a bomb.
MAX_UNPACKED_OCTETS = 64 * 1024 * 1024
# Entries in one archive: documents have some hundreds.
MAX_ENTRIES = 10_000

_END = b"PK\x05\x06"
_MALFORMED = "archive is damaged, or of a kind that is not known here"
_DOS_EPOCH = 0x0021  # 1980-01-01, the earliest day a zip file can name
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x0001, 0x0800

_EMPTY_CORE = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><cp:coreProperties xmlns:cp='
    b'"http://schemas.openxmlformats.org/package/2006/metadata/core-properties"/>'
)
_EMPTY_PROPERTIES = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Properties xmlns='
    b'"http://schemas.openxmlformats.org/officeDocument/2006/%s-properties"/>'
)
_EMPTY_META = (
    b'<?xml version="1.0" encoding="UTF-8"?><office:document-meta xmlns:office='
    b'"urn:oasis:names:tc:opendocument:xmlns:office:1.0" office:version="1.2"><office:meta/>'
    b"</office:document-meta>"
)
_REPLACED = {
    b"docProps/core.xml": _EMPTY_CORE,
    b"docProps/app.xml": _EMPTY_PROPERTIES % b"extended",
    b"docProps/custom.xml": _EMPTY_PROPERTIES % b"custom",
    b"meta.xml": _EMPTY_META,
}
# OpenDocument keeps the printer's name and set-up in its settings.
_PRINTER = re.compile(
    rb'(<config:config-item config:name="Printer(?:Name|Setup)"[^<>]*+>)'
    rb"[^<]*+(</config:config-item>)"
)
# Word numbers its editing sessions, and names who changed and when; the text needs neither.
_SESSIONS = re.compile(
    rb' w:rsid[A-Za-z]{0,20}="[0-9A-Fa-f]{1,8}"|<w:rsids>'
    rb'(?:<w:rsid(?:Root)? w:val="[0-9A-Fa-f]{1,8}"/>\s*+)*+</w:rsids>'
)
_WORD_PARTS = re.compile(
    rb"word/(?:document|settings|styles|header\d*|footer\d*|footnotes|endnotes)\.xml"
)
_PICTURE = re.compile(rb"(?i).*\.(?:jpe?g|png|gif|webp)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Entry:
    name: bytes
    flags: int
    method: int
    crc: int
    packed: bytes | memoryview
    size: int
    attributes: int


def strip_archive(octets: bytes, strip_picture: Callable[[bytes], bytes]) -> bytes:
    """Return the archive without metadata. Raises Unclean where it can't be followed.

    `strip_picture` cleans a picture by what it is and gives others back.
    """
    budget = MAX_UNPACKED_OCTETS
    entries = []
    try:
        listed = _entries(octets)
    except Unclean:
        return _blanked(octets)
    for entry in listed:
        if _is_rewritten(entry.name) and not entry.flags & _ENCRYPTED:
            content = _unpack(entry, budget)
            budget -= len(content)
            cleaned = _clean(entry.name, content, strip_picture)
            entries.append(entry if cleaned == content else _pack(entry, cleaned))
        else:
            entries.append(entry)
    return _write(entries)


def _blanked(octets: bytes) -> bytes:
    """Return a damaged archive, which nobody opens, with the times in its headers blanked.

    Raises Unclean where it holds what would have to be unpacked to be cleaned.
    """
    blanked = bytearray(octets)
    for header in _HEADER.finditer(octets):
        is_local = header[1] == b"\x03\x04"
        time = header.start() + (10 if is_local else 12)
        sizes = header.start() + (26 if is_local else 28)
        blanked[time : time + 4] = struct.pack("<HH", 0, _DOS_EPOCH)
        name_size, extra_size = struct.unpack_from("<HH", octets + bytes(4), sizes)
        name_at = sizes + (4 if is_local else 18)
        if _is_rewritten(octets[name_at : name_at + name_size]):
            raise Unclean(_MALFORMED)
        extra = slice(name_at + name_size, min(name_at + name_size + extra_size, len(octets)))
        blanked[extra] = bytes(max(0, extra.stop - extra.start))
    return bytes(blanked)


_HEADER = re.compile(rb"PK(\x03\x04|\x01\x02)(?=.{44})", re.DOTALL)


def _is_rewritten(name: bytes) -> bool:
    return (
        name in _REPLACED
        or name == b"settings.xml"
        or _WORD_PARTS.fullmatch(name) is not None
        or _PICTURE.fullmatch(name) is not None
    )


def _clean(name: bytes, content: bytes, strip_picture: Callable[[bytes], bytes]) -> bytes:
    if name in _REPLACED:
        return _REPLACED[name]
    if name == b"settings.xml":
        return _PRINTER.sub(rb"\1\2", content)
    if _WORD_PARTS.fullmatch(name):
        return _SESSIONS.sub(b"", content)
    return strip_picture(content)


def _entries(octets: bytes) -> list[_Entry]:
    end = octets.rfind(_END, max(0, len(octets) - 66_000))
    if end < 0 or end + 22 > len(octets):
        raise Unclean(_MALFORMED)
    count, size, start = struct.unpack_from("<HII", octets, end + 10)
    # Octets may stand before the archive (self-extracting files): all offsets move with them.
    shift = end - size - start
    if count > MAX_ENTRIES or start + size > end or 0xFFFFFFFF in (size, start):
        raise Unclean(_MALFORMED)
    at = start + shift
    entries = []
    for _ in range(count):
        entry, at = _entry(octets, at, shift)
        entries.append(entry)
    return entries


def _entry(octets: bytes, at: int, shift: int) -> tuple[_Entry, int]:
    try:
        magic, _, _, flags, method, _, _, crc, packed, size, *rest = struct.unpack_from(
            "<IHHHHHHIIIHHHHHII", octets, at
        )
        name_size, extra_size, comment_size, _, _, attributes, offset = rest
        local_magic, *_, local_name_size, local_extra_size = struct.unpack_from(
            "<IHHHHHIIIHH", octets, offset + shift
        )
    except struct.error:
        raise Unclean(_MALFORMED) from None
    start = offset + shift + 30 + local_name_size + local_extra_size
    is_sound = (
        magic == 0x02014B50 and local_magic == 0x04034B50 and 0xFFFFFFFF not in (packed, size)
    )
    if not is_sound or start + packed > len(octets):
        raise Unclean(_MALFORMED)
    name = octets[at + 46 : at + 46 + name_size]
    content = memoryview(octets)[start : start + packed]
    entry = _Entry(name, flags & (_ENCRYPTED | _UTF8), method, crc, content, size, attributes)
    return entry, at + 46 + name_size + extra_size + comment_size


def _unpack(entry: _Entry, budget: int) -> bytes:
    if entry.method == _STORED:
        return bytes(entry.packed)
    if entry.method != _DEFLATED:
        raise Unclean(_MALFORMED)
    inflater = zlib.decompressobj(-15)
    try:
        content = inflater.decompress(entry.packed, budget + 1)
    except zlib.error:
        raise Unclean(_MALFORMED) from None
    if len(content) > budget:
        raise Unclean("archive grows too large")
    return content


def _pack(entry: _Entry, content: bytes) -> _Entry:
    packed: bytes = content
    if entry.method == _DEFLATED:
        deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = deflater.compress(content) + deflater.flush()
    crc = zlib.crc32(content)
    return _Entry(
        entry.name, entry.flags, entry.method, crc, packed, len(content), entry.attributes
    )


def _write(entries: list[_Entry]) -> bytes:
    bodies: list[bytes | memoryview] = []
    directory = []
    offset = 0
    for each in entries:
        common = struct.pack(
            "<HHHHHIIIHH",
            *(20, each.flags, each.method, 0, _DOS_EPOCH, each.crc),
            *(len(each.packed), each.size, len(each.name), 0),
        )
        bodies += [b"PK\x03\x04" + common + each.name, each.packed]
        # The directory bit is the one attribute that means the same on all systems.
        tail = struct.pack("<HHHII", 0, 0, 0, each.attributes & 0x10, offset)
        directory.append(b"PK\x01\x02\x14\x00" + common + tail + each.name)
        offset += 30 + len(each.name) + len(each.packed)
    listing = b"".join(directory)
    end = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(listing), offset, 0)
    return b"".join(bodies) + listing + _END + end
