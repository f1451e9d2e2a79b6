# SPDX-License-Identifier: Apache-2.0
"""The codestream of JPEG 2000, by itself or in a box, without comments (ISO 15444-1 A.9.2)."""

import struct

from eepost.sanitise.files.encoders import blank_encoders
from eepost.sanitise.files.outcome import most_pieces

MAGIC = b"\xff\x4f\xff\x51"
_COMMENT, _TILE = b"\xff\x64", b"\xff\x90"
_HEAD = 6  # marker, length, and whether it is text


def strip_codestream(octets: bytes) -> bytes:
    """Return the picture with blanks for comments; nothing moves."""
    made = bytearray(octets)
    blank_comments(made, 0, len(made))
    return bytes(made)


def blank_comments(made: bytearray, start: int, end: int) -> None:
    """Put blanks in the place of comments in a codestream between `start` and `end`."""
    at = start + 2
    for _ in range(most_pieces(made)):
        kind = made[at : at + 2]
        if at + _HEAD > end or kind == _TILE:
            break
        (length,) = struct.unpack_from(">H", made, at + 2)
        if kind == _COMMENT:
            made[at + _HEAD : min(at + 2 + length, end)] = b" " * (
                min(at + 2 + length, end) - at - _HEAD
            )
        at += 2 + length
    blank_encoders(made, start, end)
