# SPDX-License-Identifier: Apache-2.0
"""JPEG without EXIF, XMP, IPTC, comments, thumbnails and trailers; the picture to the octet.

The orientation stays, in an EXIF block of our own, or pictures would lie on their side. A picture
that is cut short or damaged is kept as far as it can be followed: more than that nobody shows.
"""

import re
import struct

from eepost.sanitise.files.icc import strip_icc
from eepost.sanitise.files.outcome import most_pieces

MAGIC = b"\xff\xd8\xff"
_EOI, _SOS = 0xD9, 0xDA
_COMMENT = 0xFE
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
# A marker that begins a segment or ends the picture: no fill octets, stuffing or restart markers.
_SEGMENT = re.compile(rb"\xff(?=[^\x00\x01\xd0-\xd8\xff])")
# A marker that does not belong to the entropy-coded data of a scan.
_AFTER_SCAN = re.compile(rb"\xff(?=[^\x00\xd0-\xd7\xff])")
_ORIENTATION_TAG = 0x0112
_IFD_ENTRIES = 512
_ICC = b"ICC_PROFILE\0"
_ICC_HEAD = 18  # marker, length, name, number and count
_TELLING = re.compile(
    rb"\xff(?:\xe1(..)(?:Exif\0\0|http://ns\.adobe\.com/)|\xed(..)Photoshop 3\.0\0)", re.DOTALL
)


def strip_jpeg(octets: bytes) -> bytes:
    """Return the picture without metadata."""
    pieces = [b"\xff\xd8"]
    orientation = 1
    at = 2
    left = most_pieces(octets)
    while (found := _next_segment(octets, at)) is not None and left:
        left -= 1
        marker, segment, at = found
        if marker == _APP1 and segment.startswith(b"Exif\0\0"):
            orientation = _orientation(segment[6:]) or orientation
        kept = _kept(marker, segment)
        if kept is not None:
            pieces.append(struct.pack(">BBH", 0xFF, marker, len(kept) + 2) + kept)
        if marker == _SOS:
            end = _end_of_scan(octets, at)
            pieces.append(octets[at:end])
            at = end
    if orientation != 1:
        # Behind JFIF's APP0 where there is one, since that must come first.
        pieces.insert(2 if pieces[1:] and pieces[1][1] == _APP0 else 1, _exif(orientation))
    return b"".join(_with_clean_profile(pieces)) + b"\xff\xd9"


def blank_exif(octets: bytes) -> bytes:
    """Return any octets with the metadata of JPEG pictures in them made zero in their places."""
    made = bytearray(octets)
    for found in _TELLING.finditer(octets):
        size = int.from_bytes(found[1] or found[2], "big")
        end = min(found.start() + 2 + size, len(made))
        made[found.start() + 4 : end] = bytes(max(0, end - found.start() - 4))
    return bytes(made)


def _with_clean_profile(pieces: list[bytes]) -> list[bytes]:
    """Return the pieces with the colour profile cleaned, which may stand in several of them."""
    places = [at for at, each in enumerate(pieces) if each[4:16] == _ICC and each[1] == _APP2]
    places.sort(key=lambda at: pieces[at][16:17])
    profile = strip_icc(b"".join(pieces[at][_ICC_HEAD:] for at in places))
    start = 0
    for at in places:
        size = len(pieces[at]) - _ICC_HEAD
        cleaned = pieces[at][:_ICC_HEAD] + profile[start : start + size]
        pieces[at] = cleaned if profile else b""
        start += size
    return pieces


def _next_segment(octets: bytes, at: int) -> tuple[int, bytes, int] | None:
    """Return marker, content and end of the next segment; None at the end of the picture."""
    # Fill octets of 0xFF may stand before a marker; a few writers leave other octets there.
    found = _SEGMENT.search(octets, at)
    if found is None or found.start() + 4 > len(octets) or octets[found.end()] == _EOI:
        return None
    at = found.start()
    end = at + 2 + int.from_bytes(octets[at + 2 : at + 4], "big")
    if end < at + 4 or end > len(octets):
        return None
    return octets[at + 1], octets[at + 4 : end], end


def _kept(marker: int, segment: bytes) -> bytes | None:
    """Return what stays of a segment: all that decoding needs, and colours (ICC, Adobe)."""
    if marker == _APP0:
        # The thumbnail may show what was cut off from the picture.
        return segment[:12] + b"\0\0" if segment.startswith(b"JFIF\0") else None
    if marker == _APP2:
        return segment if segment.startswith(_ICC) else None
    if marker == _APP14:
        return segment if segment.startswith(b"Adobe") else None
    return None if _APP0 <= marker <= 0xEF or marker == _COMMENT else segment


def _end_of_scan(octets: bytes, at: int) -> int:
    """Return where the next marker stands that does not belong to the entropy-coded data."""
    found = _AFTER_SCAN.search(octets, at)
    return found.start() if found is not None else len(octets)


def _exif(orientation: int) -> bytes:
    tiff = b"MM\0*\0\0\0\x08" + struct.pack(
        ">HHHIHHI", 1, _ORIENTATION_TAG, 3, 1, orientation, 0, 0
    )
    return struct.pack(">BBH", 0xFF, _APP1, len(tiff) + 8) + b"Exif\0\0" + tiff


def _orientation(tiff: bytes) -> int | None:
    """Return the value 1 to 8 of the orientation tag in the first directory, or None."""
    order = {b"MM": ">", b"II": "<"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return None
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    if start + 2 > len(tiff):
        return None
    (count,) = struct.unpack_from(order + "H", tiff, start)
    for at in range(start + 2, start + 2 + 12 * min(count, _IFD_ENTRIES), 12):
        if at + 10 > len(tiff):
            return None
        tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, at)
        if tag == _ORIENTATION_TAG:
            return value if 1 <= value <= 8 else None
    return None
