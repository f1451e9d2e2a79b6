# SPDX-License-Identifier: Apache-2.0
"""Plain pictures: Netpbm without comments, BMP without what stands behind it."""

import re
import struct

_TOKEN = re.compile(rb"(?:\s|#[^\r\n]*[\r\n])*([^\s#]+)")
_COMMENT = re.compile(rb"#[^\r\n]*")
# Tokens of a header: kind, width, height and for all but bitmaps the greatest value.
_TOKENS = {kind: 3 if kind in b"14" else 4 for kind in b"123456"}
_TEXT_KINDS = b"123"


def is_netpbm(octets: bytes) -> bool:
    """Say whether a file is PBM, PGM or PPM."""
    return re.match(rb"P[1-6][\s#]", octets) is not None


def strip_netpbm(octets: bytes) -> bytes:
    """Return the picture without comments."""
    kind, at = octets[1], 0
    for _ in range(_TOKENS[kind]):
        found = _TOKEN.match(octets, at)
        at = found.end() if found is not None else len(octets)
    end = len(octets) if kind in _TEXT_KINDS else at
    return _COMMENT.sub(b"", octets[:end]) + octets[end:]


def is_bmp(octets: bytes) -> bool:
    """Say whether a file is a bitmap of Windows, which has no place for metadata."""
    return octets[:2] == b"BM" and octets[6:10] == bytes(4) and octets[15:18] == bytes(3)


def strip_bmp(octets: bytes) -> bytes:
    """Return the picture without what may stand behind it."""
    (size,) = struct.unpack_from("<I", octets, 2)
    return octets[:size] if size > 26 else octets
