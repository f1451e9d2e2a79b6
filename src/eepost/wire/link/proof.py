# SPDX-License-Identifier: Apache-2.0
"""What a side computes to prove that it knows the secret, and the keys that follow.

Each side makes a one-time X25519 key; the public halves are at once the challenges. A proof is
HMAC-SHA256 over everything both have said and are: version, roles, destinations, both challenges
in their seats. So it is fresh (the other's challenge is in it), of one direction only (each seat
has a key of its own) and of one pairing only. Records get keys from the Diffie-Hellman secret
salted with the shared one: whoever sits between the two loopback ports of a tunnel and passes the
proofs on reads nothing, and a secret that is seized later opens no link of the past.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import Enum

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from eepost.wire.link.pairing import Pairing, Side

VERSION = b"eepost link/1"
CHALLENGE_OCTETS = 32
PROOF_OCTETS = 32
KEY_OCTETS = 32


class Seat(Enum):
    """Who opened the stream; it decides the order of the dialogue."""

    DIALLER = "dialler"
    ANSWERER = "answerer"

    @property
    def opposite(self) -> "Seat":
        """The other end's seat."""
        return Seat.ANSWERER if self is Seat.DIALLER else Seat.DIALLER


@dataclass(frozen=True, slots=True)
class Challenge:
    """A one-time key; its public half is what the other side has to work into its proof."""

    _private: X25519PrivateKey = field(repr=False)

    @property
    def octets(self) -> bytes:
        """The public half."""
        return self._private.public_key().public_bytes_raw()

    def agree(self, other: bytes) -> bytes:
        """Return the common secret. Raises ValueError for a challenge that fixes the outcome."""
        return self._private.exchange(X25519PublicKey.from_public_bytes(other))


def challenge(random_octets: bytes) -> Challenge:
    """Return the challenge made from 32 random octets that are never used again."""
    return Challenge(X25519PrivateKey.from_private_bytes(random_octets))


def transcript(pairing: Pairing, seat: Seat, own: bytes, other: bytes) -> bytes:
    """Return the hash of all that both sides are and said; `own` and `other` are challenges.

    Both sides get the same, whichever seat they have.
    """
    ends: dict[Seat, tuple[Side, bytes]] = {
        seat: (pairing.own, own),
        seat.opposite: (pairing.other, other),
    }
    parts = [VERSION]
    for side, said in (ends[Seat.DIALLER], ends[Seat.ANSWERER]):
        parts += [side.role.value.encode("ascii"), side.destination, said]
    framed = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    return hashlib.sha256(framed).digest()


def proof(secret: bytes, seat: Seat, transcript_hash: bytes) -> bytes:
    """Return what the side in `seat` sends to show that it knows `secret`."""
    key = _labelled(secret, b"proof of the " + seat.value.encode("ascii"))
    return hmac.digest(key, transcript_hash, "sha256")


def record_key(secret: bytes, seat: Seat, transcript_hash: bytes, common: bytes) -> bytes:
    """Return the key of the records that the side in `seat` sends (HKDF, RFC 5869)."""
    return HKDF(
        algorithm=SHA256(),
        length=KEY_OCTETS,
        salt=_labelled(secret, b"records"),
        info=VERSION + b" records of the " + seat.value.encode("ascii") + transcript_hash,
    ).derive(common)


def _labelled(secret: bytes, label: bytes) -> bytes:
    return hmac.digest(secret, VERSION + b" " + label, "sha256")
