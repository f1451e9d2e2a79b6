# SPDX-License-Identifier: Apache-2.0
"""Zip files and the office documents that are zip files, without times and authors.

Trust: anybody may have made the file.

Entries are copied compressed, by slice, in their order; only those that hold metadata or files
for which there are rules are unpacked, never more than a bounded number of octets.
"""

import re
import struct
import zlib
from dataclasses import dataclass

from eepost.sanitise.files.office_parts import Clean, part_rules
from eepost.sanitise.files.outcome import SEEN_OCTETS, Inner, Unclean

MAGIC = b"PK\x03\x04"
# Entries in one archive: documents have some hundreds.
MAX_ENTRIES = 10_000

_END = b"PK\x05\x06"
_MALFORMED = "archive is damaged, or of a kind that is not known here"
_DOS_EPOCH = 0x0021  # 1980-01-01, the earliest day a zip file can name
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x0001, 0x0800


@dataclass(frozen=True, slots=True)
class _Entry:
    name: bytes
    flags: int
    method: int
    crc: int
    packed: bytes | memoryview
    size: int
    attributes: int


def strip_archive(octets: bytes, inner: Inner) -> bytes:
    """Return the archive without metadata. Raises Unclean where it can't be followed."""
    try:
        listed = _entries(octets)
    except Unclean:
        return _blanked(octets)
    rules = part_rules({each.name for each in listed})
    return _write([_cleaned(each, rules(each.name), inner) for each in listed])


def _cleaned(entry: _Entry, clean: Clean | None, inner: Inner) -> _Entry:
    if entry.flags & _ENCRYPTED:
        return entry
    if clean is not None:
        cleaned = clean(content := _unpack(entry, inner))
    elif inner.is_known(_unpacked(entry, SEEN_OCTETS)):
        cleaned = inner.strip(content := _unpack(entry, inner))
    else:
        return entry
    return entry if cleaned == content else _pack(entry, cleaned)


def _blanked(octets: bytes) -> bytes:
    """Return a damaged archive, which nobody opens, with the times in its headers blanked.

    Raises Unclean where it holds what would have to be unpacked to be cleaned.
    """
    blanked = bytearray(octets)
    padded = octets + bytes(4)
    for number, header in enumerate(_HEADER.finditer(octets)):
        if number > 2 * MAX_ENTRIES:
            raise Unclean(_MALFORMED)
        is_local = header[1] == b"\x03\x04"
        time = header.start() + (10 if is_local else 12)
        sizes = header.start() + (26 if is_local else 28)
        blanked[time : time + 4] = struct.pack("<HH", 0, _DOS_EPOCH)
        name_size, extra_size = struct.unpack_from("<HH", padded, sizes)
        name_at = sizes + (4 if is_local else 18)
        if _TELLING.fullmatch(octets[name_at : name_at + name_size]):
            raise Unclean(_MALFORMED)
        extra = slice(name_at + name_size, min(name_at + name_size + extra_size, len(octets)))
        blanked[extra] = bytes(max(0, extra.stop - extra.start))
    return bytes(blanked)


# Of a damaged archive nobody knows what it is: names of parts that tell, whatever they are in.
_TELLING = re.compile(
    rb"(?i)docProps/.*|word/.*|meta\.xml|settings\.xml|.*\.(?:jpe?g|png|gif|webp|pdf)"
)
_HEADER = re.compile(rb"PK(\x03\x04|\x01\x02)(?=.{44})", re.DOTALL)


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


def _unpack(entry: _Entry, inner: Inner) -> bytes:
    content = _unpacked(entry, inner.octets + 1)
    inner.take(len(content))
    return content


def _unpacked(entry: _Entry, most: int) -> bytes:
    """Return the first `most` octets of an entry."""
    if entry.method == _STORED:
        return bytes(entry.packed[:most])
    if entry.method != _DEFLATED:
        raise Unclean(_MALFORMED)
    try:
        return zlib.decompressobj(-15).decompress(entry.packed, most)
    except zlib.error:
        raise Unclean(_MALFORMED) from None


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
