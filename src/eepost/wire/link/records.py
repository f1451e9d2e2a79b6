# SPDX-License-Identifier: Apache-2.0
"""Frames that only the other side of a proven link can read or make.

A frame is the length of what follows in two octets, then ChaCha20-Poly1305 (RFC 8439) under a
nonce that counts, so that none can be left out, repeated or moved. An empty record is the end:
routers lose the tail of a stream now and then, and without it a cut would look like an end.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from eepost.mail.violation import PeerViolation
from eepost.wire.lines import LineBuffer

# Plain octets in one record: large enough to cost little, small enough to keep in memory.
RECORD_OCTETS = 16_384
LENGTH_OCTETS = 2
TAG_OCTETS = 16
# What a peer that breaks anything is told, and what the journal may know.
REFUSED = "link refused"


class Sealer:
    """Makes the frames of one direction."""

    __slots__ = ("_cipher", "_count")

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._count = 0

    def seal(self, octets: bytes) -> bytes:
        """Return the frames that carry `octets`; those of nothing are the end."""
        cuts = range(0, len(octets), RECORD_OCTETS) if octets else (0,)
        return b"".join(self._frame(octets[at : at + RECORD_OCTETS]) for at in cuts)

    def _frame(self, record: bytes) -> bytes:
        sealed = self._cipher.encrypt(_nonce(self._count), record, None)
        self._count += 1
        return len(sealed).to_bytes(LENGTH_OCTETS, "big") + sealed


class Opener:
    """Reads the frames of one direction."""

    __slots__ = ("_cipher", "_count", "_length")

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._count = 0
        self._length: int | None = None

    def take(self, buffer: LineBuffer) -> bytes | None:
        """Return the next record, or None while it is incomplete. Raises PeerViolation."""
        if self._length is None:
            if len(buffer) < LENGTH_OCTETS:
                return None
            self._length = int.from_bytes(buffer.take(LENGTH_OCTETS), "big")
            if not TAG_OCTETS <= self._length <= RECORD_OCTETS + TAG_OCTETS:
                raise PeerViolation(REFUSED)
        if len(buffer) < self._length:
            return None
        sealed, self._length = buffer.take(self._length), None
        try:
            record = self._cipher.decrypt(_nonce(self._count), sealed, None)
        except InvalidTag:
            raise PeerViolation(REFUSED) from None
        self._count += 1
        return record


def _nonce(count: int) -> bytes:
    return count.to_bytes(12, "big")
