# SPDX-License-Identifier: Apache-2.0
"""PNG of the chunks that are seen: no text, times, EXIF, nor anything that is not known here."""

import struct

MAGIC = b"\x89PNG\r\n\x1a\n"
_KEPT = frozenset(
    b"IHDR PLTE IDAT tRNS gAMA cHRM sRGB iCCP cICP sBIT bKGD pHYs hIST acTL fcTL fdAT".split()
)


def strip_png(octets: bytes) -> bytes:
    """Return the picture without metadata; pixels and animation are copied by slice.

    A picture that is cut short stays so.
    """
    pieces = [MAGIC]
    at = len(MAGIC)
    while at + 8 <= len(octets):
        (length,) = struct.unpack_from(">I", octets, at)
        kind = octets[at + 4 : at + 8]
        end = at + 12 + length
        if kind == b"IEND":
            break
        if kind in _KEPT:
            pieces.append(octets[at:end])
        at = end
    return b"".join(pieces) + b"\0\0\0\0IEND\xaeB`\x82"
