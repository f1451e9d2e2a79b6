# SPDX-License-Identifier: Apache-2.0
"""PNG of the chunks that are seen: no text, times, EXIF, nor anything that is not known here."""

import struct
import zlib

from eepost.sanitise.files.icc import take_packed_profile
from eepost.sanitise.files.outcome import Inner, most_pieces

MAGIC = b"\x89PNG\r\n\x1a\n"
_KEPT = frozenset(
    b"IHDR PLTE IDAT tRNS gAMA cHRM sRGB cICP sBIT bKGD pHYs hIST acTL fcTL fdAT".split()
)


def strip_png(octets: bytes, inner: Inner) -> bytes:
    """Return the picture without metadata; pixels and animation are copied by slice.

    A picture that is cut short stays so. Of several colour profiles, of which readers take one (PNG
    11.3.2.3), the first stays. Raises Unclean where profiles grow too large.
    """
    pieces = [MAGIC]
    at = len(MAGIC)
    left = most_pieces(octets)
    has_profile = False
    while at + 8 <= len(octets) and left:
        left -= 1
        (length,) = struct.unpack_from(">I", octets, at)
        kind = octets[at + 4 : at + 8]
        end = at + 12 + length
        if kind == b"IEND":
            break
        if kind == b"iCCP" and not has_profile:
            has_profile = True
            pieces.append(_clean_profile(octets[at + 8 : end - 4], inner))
        elif kind in _KEPT:
            pieces.append(octets[at:end])
        at = end
    return b"".join(pieces) + b"\0\0\0\0IEND\xaeB`\x82"


def _clean_profile(chunk: bytes, inner: Inner) -> bytes:
    """Return the chunk with a clean profile under a name that tells nothing; nothing if damaged."""
    profile = take_packed_profile(chunk.partition(b"\0")[2][1:], inner)
    if not profile:
        return b""
    content = b"iCCPicc\0\0" + zlib.compress(profile)
    return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
