# SPDX-License-Identifier: Apache-2.0
"""GIF without comments, text and foreign extensions; frames and the number of loops stay."""

from eepost.sanitise.files.outcome import most_pieces

MAGIC = b"GIF8"

# Frames of a few points are made of two blocks in forty octets; hundreds of them make no animation.
_OCTETS_FOR_A_BLOCK = 40
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_GRAPHIC_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOPS = (b"\x0bNETSCAPE2.0", b"\x0bANIMEXTS1.0")


def strip_gif(octets: bytes) -> bytes:
    """Return the picture without metadata; a damaged one as far as programs show it."""
    if len(octets) < 13:
        return octets
    left = most_pieces(octets, _OCTETS_FOR_A_BLOCK)
    at = 13 + _colour_table(octets[10])
    pieces = [octets[:at]]
    while at < len(octets) and octets[at] != _TRAILER and left > 0:
        start = at
        if octets[at] == _EXTENSION:
            at, count = _end_of_blocks(octets, at + 2, left)
            kept = _is_kept(octets[start + 1 : start + 14])
        elif octets[at] == _IMAGE and at + 10 < len(octets):
            at, count = _end_of_blocks(octets, at + 11 + _colour_table(octets[at + 9]), left)
            kept = True
        else:
            break
        left -= max(count, 1)
        if kept:
            pieces.append(octets[start:at])
    return b"".join(pieces) + bytes((_TRAILER,))


def _is_kept(extension: bytes) -> bool:
    if extension[:1] == bytes((_APPLICATION,)):
        return extension[1:].startswith(_LOOPS)
    return extension[:1] == bytes((_GRAPHIC_CONTROL,))


def _colour_table(packed: int) -> int:
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _end_of_blocks(octets: bytes, at: int, most: int) -> tuple[int, int]:
    """Return where a row of at most `most` blocks ends, and how many there are."""
    for count in range(most + 1):
        if at >= len(octets):
            break
        length = octets[at]
        at += 1 + length
        if not length:
            return at, count
    return len(octets), most  # cut short on its way: shown as far as it goes
