# SPDX-License-Identifier: Apache-2.0
"""Seals octets to a public key for whoever has the private one, to lie on a disk meanwhile.

Duty: mail that a gateway has to keep can be opened by the core alone, and shows nothing but a
coarse size. Must not be used for maildrops, whose keys serve many messages (`maildrop.sealing`).

    version, length and octets of the encapsulated key, length and octets of the sealed size, then
    the segments (see `segments`), all but the last equally long

Trust: who opens a parcel has it from a gateway, which may have been seized.
"""

from collections.abc import Sequence
from struct import Struct
from struct import error as Short  # noqa: N812 - says what it means here
from typing import Final

from eepost.seal.broken import SealBroken
from eepost.seal.keypair import PrivateKey, PublicKey, encapsulate, open_encapsulation
from eepost.seal.randomness import Randomness
from eepost.seal.segments import (
    SEALING_KEY_OCTETS,
    SEGMENT_OCTETS,
    SEGMENT_OVERHEAD_OCTETS,
    Octets,
    SealingKey,
    open_entry,
    open_segment,
    seal_entry,
    seal_message,
    segment_count,
)

_VERSION: Final = b"\x01"
_CONTEXT: Final = b"eepost parcel 1"
_LENGTH: Final = Struct(">H")
_SIZE: Final = Struct(">Q")
_NUMBER: Final = 0  # a key seals one parcel only
_STEP: Final = SEGMENT_OCTETS + SEGMENT_OVERHEAD_OCTETS


def seal_parcel(public: PublicKey, randomness: Randomness, pieces: Sequence[Octets]) -> list[bytes]:
    """Return the parcel of what `pieces` make up, in pieces. Raises SealBroken."""
    octets = randomness(SEALING_KEY_OCTETS)
    key = SealingKey(octets)
    encapsulation = encapsulate(public, octets, _CONTEXT)
    entry = seal_entry(key, _NUMBER, _SIZE.pack(sum(map(len, pieces))))
    segments, _ = seal_message(key, _NUMBER, pieces)
    head = [
        _VERSION,
        _LENGTH.pack(len(encapsulation)),
        encapsulation,
        _LENGTH.pack(len(entry)),
        entry,
    ]
    return [b"".join(head), *segments]


def open_parcel(private: PrivateKey, parcel: bytes | bytearray) -> bytes:
    """Return what was sealed. Raises SealBroken for anything but a whole parcel for this key."""
    view = memoryview(parcel)
    if parcel[:1] != _VERSION:
        raise SealBroken
    encapsulation, at = _field(view, 1)
    entry, at = _field(view, at)
    key = SealingKey(open_encapsulation(private, encapsulation, _CONTEXT))
    size = int.from_bytes(open_entry(key, _NUMBER, entry), "big")
    rest = view[at:]
    count = segment_count(size)
    if count != max(1, -(-len(rest) // _STEP)):
        raise SealBroken
    cut = (bytes(rest[number * _STEP : (number + 1) * _STEP]) for number in range(count))
    return b"".join(
        open_segment(key, _NUMBER, number, octets, size) for number, octets in enumerate(cut)
    )


def _field(view: memoryview, at: int) -> tuple[bytes, int]:
    try:
        (length,) = _LENGTH.unpack_from(view, at)
    except Short:
        raise SealBroken from None
    end = at + _LENGTH.size + length
    if end > len(view):
        raise SealBroken
    return bytes(view[at + _LENGTH.size : end]), end
