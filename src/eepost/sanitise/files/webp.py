# SPDX-License-Identifier: Apache-2.0
"""WebP of the chunks that are seen: no EXIF, no XMP, nothing unknown (RFC 9649)."""

import struct

from eepost.sanitise.files.icc import strip_icc
from eepost.sanitise.files.outcome import most_pieces

_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_EXIF_AND_XMP_FLAGS = 0x0C


def strip_webp(octets: bytes) -> bytes:
    """Return the picture without metadata; one that is cut short stays so."""
    pieces = []
    at = 12
    left = most_pieces(octets)
    while at + 8 <= len(octets) and left:
        left -= 1
        kind = octets[at : at + 4]
        (length,) = struct.unpack_from("<I", octets, at + 4)
        end = at + 8 + length + (length & 1)
        if kind in _KEPT:
            chunk = octets[at:end]
            if kind == b"VP8X" and len(chunk) > 8:
                chunk = chunk[:8] + bytes((chunk[8] & ~_EXIF_AND_XMP_FLAGS,)) + chunk[9:]
            if kind == b"ICCP":
                profile = strip_icc(chunk[8 : 8 + length])
                chunk = chunk[:8] + profile.ljust(len(chunk) - 8, b"\0")
            pieces.append(chunk)
        at = end
    body = b"WEBP" + b"".join(pieces)
    return b"RIFF" + struct.pack("<I", len(body)) + body
