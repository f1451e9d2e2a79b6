# SPDX-License-Identifier: Apache-2.0
"""PNG of the chunks that are seen: no text, times, EXIF, nor anything that is not known here."""

import struct
import zlib

from eepost.sanitise.files.icc import strip_icc
from eepost.sanitise.files.outcome import most_pieces

# Octets of a colour profile: printers' ones take some megabytes.
MAX_PROFILE_OCTETS = 8 * 1024 * 1024

MAGIC = b"\x89PNG\r\n\x1a\n"
_KEPT = frozenset(
    b"IHDR PLTE IDAT tRNS gAMA cHRM sRGB cICP sBIT bKGD pHYs hIST acTL fcTL fdAT".split()
)


def strip_png(octets: bytes) -> bytes:
    """Return the picture without metadata; pixels and animation are copied by slice.

    A picture that is cut short stays so.
    """
    pieces = [MAGIC]
    at = len(MAGIC)
    left = most_pieces(octets)
    while at + 8 <= len(octets) and left:
        left -= 1
        (length,) = struct.unpack_from(">I", octets, at)
        kind = octets[at + 4 : at + 8]
        end = at + 12 + length
        if kind == b"IEND":
            break
        if kind == b"iCCP":
            pieces.append(_clean_profile(octets[at + 8 : end - 4]))
        elif kind in _KEPT:
            pieces.append(octets[at:end])
        at = end
    return b"".join(pieces) + b"\0\0\0\0IEND\xaeB`\x82"


def _clean_profile(chunk: bytes) -> bytes:
    """Return the chunk with a clean profile under a name that tells nothing; nothing if damaged."""
    packed = chunk.partition(b"\0")[2][1:]
    try:
        profile = strip_icc(zlib.decompressobj().decompress(packed, MAX_PROFILE_OCTETS))
    except zlib.error:
        return b""
    if not profile:
        return b""
    content = b"iCCPicc\0\0" + zlib.compress(profile)
    return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
