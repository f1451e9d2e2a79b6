# SPDX-License-Identifier: Apache-2.0
"""Seals a message under a symmetric key: padded, cut into segments, each by ChaCha20-Poly1305.

Duty: nothing but a coarse size shows, and no segment can be cut off, reordered or put into another
message unseen. Must not keep keys; must not copy a large body more than once.

The nonce of a segment is the message's number (8 octets, random) and the segment's index (4), so
a number is used for one message under a key. The last index belongs to the message's index entry.
Where the padding begins stands in that entry, sealed, and is therefore asked of the reader.
"""

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from eepost.seal.broken import SealBroken

Octets: TypeAlias = bytes | memoryview

# A reader holds one segment at a time: 256 KiB for each session that is in RETR.
SEGMENT_OCTETS = 262_144
SEGMENT_OVERHEAD_OCTETS = 16
SEALING_KEY_OCTETS = 32
# Most mail without attachments is below 8 kB; under 1 kB sizes would tell one short note from
# another, and there are few enough of them to give each a whole kilobyte.
MIN_PADDED_OCTETS = 1024
_ENTRY_INDEX = 0xFFFF_FFFF
_NONCE = Struct(">QI")
_MORE = b"eepost segment 1, more follow"
_LAST = b"eepost segment 1, last"
_ENTRY = b"eepost entry 1"


class SealingKey:
    """A symmetric key that many messages of one maildrop are sealed under for a few minutes."""

    __slots__ = ("cipher",)

    def __init__(self, octets: bytes) -> None:
        self.cipher = ChaCha20Poly1305(octets)  # ValueError unless there are 32

    def __repr__(self) -> str:
        return "SealingKey(hidden)"


def padded_size(size_octets: int) -> int:
    """Return the size that a message of `size_octets` is padded to.

    This is Padmé (Nikitin and others, "Reducing metadata leakage from encrypted files and
    communication with PURBs", 2019): a size keeps only its first few binary digits, so an
    observer learns O(log log n) bits; at most 6.3 % are added from 1 kB upwards.
    """
    if size_octets <= MIN_PADDED_OCTETS:
        return MIN_PADDED_OCTETS
    exponent = size_octets.bit_length() - 1
    step = (1 << exponent - exponent.bit_length()) - 1
    return (size_octets + step) & ~step


def segment_count(size_octets: int) -> int:
    """Return how many segments a message of this true size was cut into."""
    return -(-padded_size(size_octets) // SEGMENT_OCTETS)


def content_segments(size_octets: int) -> int:
    """Return how many segments hold more than padding: those that a reader needs, at least 1."""
    return max(1, -(-size_octets // SEGMENT_OCTETS))


def seal_message(key: SealingKey, number: int, pieces: Sequence[Octets]) -> tuple[list[bytes], int]:
    """Return the sealed segments of the message that `pieces` make up, and its padded size."""
    size = sum(map(len, pieces))
    padded = padded_size(size)
    encrypt = key.cipher.encrypt
    if padded <= SEGMENT_OCTETS:
        text = b"".join((*pieces, bytes(padded - size)))
        return [encrypt(_NONCE.pack(number, 0), text, _LAST)], padded
    last = -(-padded // SEGMENT_OCTETS) - 1
    return [
        encrypt(_NONCE.pack(number, at), text, _LAST if at == last else _MORE)
        for at, text in enumerate(_cut((*pieces, bytes(padded - size))))
    ], padded


def open_segment(key: SealingKey, number: int, at: int, octets: bytes, size_octets: int) -> bytes:
    """Return what segment `at` holds of a message whose true size is `size_octets`.

    Padding is cut off, so segments behind the content give b"". Raises SealBroken, also where a
    segment stands at another place than it was sealed for.
    """
    is_last = at == segment_count(size_octets) - 1
    try:
        text = key.cipher.decrypt(_NONCE.pack(number, at), octets, _LAST if is_last else _MORE)
    except InvalidTag:
        raise SealBroken from None
    left = size_octets - at * SEGMENT_OCTETS
    return text if left >= len(text) else text[: max(0, left)]


def seal_entry(key: SealingKey, number: int, entry: bytes) -> bytes:
    """Return the index entry of message `number`, sealed."""
    return key.cipher.encrypt(_NONCE.pack(number, _ENTRY_INDEX), entry, _ENTRY)


def open_entry(key: SealingKey, number: int, octets: bytes) -> bytes:
    """Return the index entry of message `number`. Raises SealBroken."""
    try:
        return key.cipher.decrypt(_NONCE.pack(number, _ENTRY_INDEX), octets, _ENTRY)
    except InvalidTag:
        raise SealBroken from None


def _cut(pieces: Sequence[Octets]) -> Iterator[Octets]:
    """Yield segments in order; one that lies within a single piece is not copied at all."""
    parts: list[memoryview] = []
    room = SEGMENT_OCTETS
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            parts.append(rest[:room])
            room -= len(parts[-1])
            rest = rest[len(parts[-1]) :]
            if not room:
                yield parts[0] if len(parts) == 1 else b"".join(parts)
                parts, room = [], SEGMENT_OCTETS
    if parts:
        yield b"".join(parts)
