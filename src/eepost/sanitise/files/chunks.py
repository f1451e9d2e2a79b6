# SPDX-License-Identifier: Apache-2.0
"""Files of named chunks: WAV and AVI (RIFF), AIFF (IFF), FLAC."""

import struct
from collections.abc import Iterator

from eepost.sanitise.files.encoders import blank_encoders
from eepost.sanitise.files.outcome import Unclean, most_pieces

FLAC = b"fLaC"
# Lists in lists: an AVI has three.
MAX_DEPTH = 10

_WAV_KEPT = frozenset((b"fmt ", b"data", b"fact", b"slnt", b"wavl", b"cue ", b"smpl", b"plst"))
_AIFF_KEPT = frozenset((b"COMM", b"SSND", b"FVER", b"MARK", b"INST"))
# AVI: of its lists, what frames are found and decoded with; names, times and cameras go.
_AVI_GROUPS = frozenset((b"LIST", b"RIFF"))
_AVI_OPENED = frozenset(
    ((b"LIST", b"hdrl"), (b"LIST", b"strl"), (b"LIST", b"odml"), (b"RIFF", b"AVIX"))
)
_AVI_KEPT = frozenset(
    {
        (b"LIST", b"movi"),
        *((name, b"") for name in b"avih strh strf vprp dmlh indx idx1".split()),
    }
)
# FLAC: how to decode and to seek. Comments, pictures, programs' own data and padding go.
_FLAC_KEPT = frozenset((0, 3))
_DAMAGED = "sound or film is damaged, or of a kind that is not known here"


def is_riff(octets: bytes, kind: bytes) -> bool:
    """Say whether a file is a RIFF of this kind."""
    return octets[:4] == b"RIFF" and octets[8:12] == kind


def is_aiff(octets: bytes) -> bool:
    """Say whether a file is AIFF or AIFF-C."""
    return octets[:4] == b"FORM" and octets[8:12] in {b"AIFF", b"AIFC"}


def _chunks(octets: bytes, at: int, last: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start of the content and end with padding of each chunk up to `last`.

    Raises Unclean where there are too many.
    """
    left = most_pieces(octets)
    while at + 8 <= last:
        left -= 1
        if not left:
            raise Unclean(_DAMAGED)
        (size,) = struct.unpack_from(f"{order}I", octets, at + 4)
        end = min(at + 8 + size + (size & 1), last)
        yield octets[at : at + 4], at + 8, end
        at = end


def strip_wav(octets: bytes) -> bytes:
    """Return the sound without texts, times and unknown chunks; one that is cut short stays so."""
    return _of_kept(octets, "<", _WAV_KEPT)


def strip_aiff(octets: bytes) -> bytes:
    """Return the sound without texts and unknown chunks; one that is cut short stays so."""
    return _of_kept(octets, ">", _AIFF_KEPT)


def _of_kept(octets: bytes, order: str, names: frozenset[bytes]) -> bytes:
    chunks = _chunks(octets, 12, len(octets), order)
    kept = [octets[at - 8 : end] for name, at, end in chunks if name in names]
    body = octets[8:12] + b"".join(kept)
    return octets[:4] + struct.pack(f"{order}I", len(body)) + body


def strip_avi(octets: bytes) -> bytes:
    """Return the film with what is not known blanked in place, since its index counts octets."""
    made = bytearray(octets)
    _blank_avi(made, octets, (12, len(octets)))
    blank_encoders(made, 12, len(made))
    return bytes(made)


def _blank_avi(made: bytearray, octets: bytes, span: tuple[int, int], depth: int = 1) -> None:
    if depth > MAX_DEPTH:
        raise Unclean(_DAMAGED)
    for name, start, end in _chunks(octets, *span, "<"):
        kind = (name, octets[start : start + 4]) if name in _AVI_GROUPS else (name, b"")
        if kind in _AVI_OPENED:
            _blank_avi(made, octets, (start + 4, end), depth + 1)
        elif kind not in _AVI_KEPT:
            made[start - 8 : start - 4] = b"JUNK"
            made[start:end] = bytes(end - start)


def strip_flac(octets: bytes) -> bytes:
    """Return the sound without comments and pictures. Raises Unclean where it is damaged."""
    kept: list[bytes] = []
    at, is_last = 4, False
    left = most_pieces(octets)
    while not is_last:
        left -= 1
        if at + 4 > len(octets) or not left:
            raise Unclean(_DAMAGED)
        kind, is_last = octets[at] & 0x7F, octets[at] >= 0x80
        end = at + 4 + int.from_bytes(octets[at + 1 : at + 4], "big")
        if kind in _FLAC_KEPT:
            kept.append(bytes((kind,)) + octets[at + 1 : end])
        at = end
    if not kept:
        raise Unclean(_DAMAGED)
    kept[-1] = bytes((kept[-1][0] | 0x80,)) + kept[-1][1:]
    return FLAC + b"".join(kept) + octets[at:]
