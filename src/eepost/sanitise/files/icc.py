# SPDX-License-Identifier: Apache-2.0
"""ICC colour profiles of the numbers that colours are made with: no names, times, or calibration.

A monitor's own profile names it, says when it was measured, and holds the curve for its video
card: enough to know one machine among all. What colours are computed from stays to the octet.
"""

import struct
import zlib

from eepost.sanitise.files.outcome import Inner

# Tags in one profile: printers' ones have some forty.
MAX_TAGS = 200
# Octets of a packed profile: printers' ones take some megabytes.
MAX_PROFILE_OCTETS = 8 * 1024 * 1024
# Packing again takes so many times as long as unpacking it.
TIMES_TO_PACK = 4
# Tags may share a value, as the curves of three colours do; those that overlap otherwise are made
# to cost time.
_MAX_COPIED_TIMES = 2
_HEADER_OCTETS = 128

# What colours are computed from (ICC.1:2022 9.2 and older ones), and the two texts that must stand.
_KEPT = frozenset(
    b"rXYZ gXYZ bXYZ wtpt bkpt rTRC gTRC bTRC kTRC chad chrm cicp lumi meas view gamt tech ciis "
    b"A2B0 A2B1 A2B2 A2B3 B2A0 B2A1 B2A2 B2A3 D2B0 D2B1 D2B2 D2B3 B2D0 B2D1 B2D2 B2D3 ncl2 "
    b"clrt".split()
)
_TEXTS = frozenset((b"desc", b"cprt"))
# Preferred module, time, platform, manufacturer, model, creator, identifier.
_TELLING = ((4, 8), (24, 36), (40, 44), (48, 56), (80, 100))
# The empty value of each type that a text may have; none is longer than any text of its type.
_EMPTY = {
    b"desc": b"desc\0\0\0\0\0\0\0\x01" + bytes(79),
    b"mluc": b"mluc\0\0\0\0\0\0\0\0\0\0\0\x0c",
    b"text": b"text\0\0\0\0\0",
}


def strip_icc(profile: bytes) -> bytes:
    """Return the profile in the same size, b"" for what is none."""
    if profile[36:40] != b"acsp" or len(profile) < _HEADER_OCTETS + 4:
        return b""
    (count,) = struct.unpack_from(">I", profile, _HEADER_OCTETS)
    table = profile[_HEADER_OCTETS + 4 : _HEADER_OCTETS + 4 + 12 * count]
    if count > MAX_TAGS or len(table) < 12 * count:
        return b""
    made = bytearray(len(profile))
    made[:_HEADER_OCTETS] = profile[:_HEADER_OCTETS]
    for start, end in _TELLING:
        made[start:end] = bytes(end - start)
    spans = set()
    kept = []
    for name, start, size in struct.iter_unpack(">4sII", table):
        if start < _HEADER_OCTETS or start + size > len(profile):
            continue
        if name in _KEPT:
            spans.add((start, size))
        elif not _write_empty(made, profile, name, start, size):
            continue
        kept.append(struct.pack(">4sII", name, start, size))
    if sum(size for _, size in spans) > _MAX_COPIED_TIMES * len(profile):
        return b""
    for start, size in sorted(spans):
        made[start : start + size] = profile[start : start + size]
    listing = struct.pack(">I", len(kept)) + b"".join(kept)
    made[_HEADER_OCTETS : _HEADER_OCTETS + len(listing)] = listing
    return bytes(made)


def _write_empty(made: bytearray, profile: bytes, name: bytes, start: int, size: int) -> bool:
    """Write an empty text where a tag's value is one that must stand; say whether it was."""
    empty = _EMPTY.get(profile[start : start + 4]) if name in _TEXTS else None
    if empty is None:
        return False
    made[start : start + min(size, len(empty))] = empty[:size]
    return True


def take_packed_profile(packed: bytes | memoryview, inner: Inner) -> bytes:
    """Return a profile that was packed (zlib) without what tells, b"" for what is none.

    Raises Unclean where the profiles of a message grow too large together.
    """
    try:
        profile = zlib.decompressobj().decompress(packed, MAX_PROFILE_OCTETS)
    except zlib.error:
        return b""
    inner.take(TIMES_TO_PACK * len(profile))
    return strip_icc(profile)
