# SPDX-License-Identifier: Apache-2.0
"""Plain pictures of Unix and Windows: Netpbm without comments, window dumps without names, BMP."""

import re
import struct

_TOKEN = re.compile(rb"(?:\s++|#[^\r\n]*+[\r\n])*+([^\s#]++)")
_COMMENT = re.compile(rb"#[^\r\n]*+(?:[\r\n]|\Z)")
# Tokens of a header: kind, width, height and for all but bitmaps the greatest value.
_TOKENS = {kind: 3 if kind in b"14" else 4 for kind in b"123456"}
_TEXT_KINDS = b"123"
_XWD_VERSION, _XWD_OCTETS, _XWD_MAX_OCTETS = 7, 100, 4_096


def is_netpbm(octets: bytes) -> bool:
    """Say whether a file is PBM, PGM or PPM."""
    return re.match(rb"P[1-6][\s#]", octets) is not None


def strip_netpbm(octets: bytes) -> bytes:
    """Return the picture with its header made anew; one that is cut short stays so."""
    kind = octets[1]
    tokens: list[bytes] = []
    at = 0
    for _ in range(_TOKENS[kind]):
        found = _TOKEN.match(octets, at)
        if found is None:
            return b" ".join(tokens)
        tokens.append(found[1])
        at = found.end()
    raster = octets[at + 1 :]
    return (
        b" ".join(tokens) + b"\n" + (_COMMENT.sub(b"", raster) if kind in _TEXT_KINDS else raster)
    )


def is_xwd(octets: bytes) -> bool:
    """Say whether a file is a dump of an X11 window."""
    if len(octets) < _XWD_OCTETS:
        return False
    size, version = (int.from_bytes(octets[at : at + 4], "big") for at in (0, 4))
    return version == _XWD_VERSION and _XWD_OCTETS <= size <= _XWD_MAX_OCTETS


def strip_xwd(octets: bytes) -> bytes:
    """Return the picture with the window's name blanked."""
    size = min(struct.unpack_from(">I", octets)[0], len(octets))
    return octets[:_XWD_OCTETS] + bytes(size - _XWD_OCTETS) + octets[size:]


def is_bmp(octets: bytes) -> bool:
    """Say whether a file is a bitmap of Windows, which has no place for metadata."""
    return octets[:2] == b"BM" and octets[6:10] == bytes(4) and octets[15:18] == bytes(3)


def strip_bmp(octets: bytes) -> bytes:
    """Return the picture without what may stand behind it."""
    (size,) = struct.unpack_from("<I", octets, 2)
    return octets[:size] if size > 26 else octets
