# SPDX-License-Identifier: Apache-2.0
"""ICC colour profiles of the numbers that colours are made with: no names, times, or calibration.

A monitor's own profile names it, says when it was measured, and holds the curve for its video
card: enough to know one machine among all. What colours are computed from stays to the octet.
"""

import struct

# Tags in one profile: printers' ones have some forty.
MAX_TAGS = 200
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
    kept = []
    for name, start, size in struct.iter_unpack(">4sII", table):
        value = _value(name, profile[start : start + size])
        if value is not None and start + size <= len(profile):
            made[start : start + len(value)] = value
            kept.append(struct.pack(">4sII", name, start, size))
    listing = struct.pack(">I", len(kept)) + b"".join(kept)
    made[_HEADER_OCTETS : _HEADER_OCTETS + len(listing)] = listing
    return bytes(made)


def _value(name: bytes, value: bytes) -> bytes | None:
    """Return what stands for a tag's value, None where the tag goes."""
    if name in _KEPT:
        return value
    empty = _EMPTY.get(value[:4]) if name in _TEXTS else None
    return empty[: len(value)] if empty is not None else None
