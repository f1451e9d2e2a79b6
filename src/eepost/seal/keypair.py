# SPDX-License-Identifier: Apache-2.0
"""An account's hybrid key pair: HPKE (RFC 9180) over ML-KEM-768 with X25519.

Duty: carry a 32-octet key to whoever holds the private key, so that mail seized today stays shut
when there are quantum computers. Must not seal messages itself: at 0.1 ms an operation that would
cost a session of a hundred messages more than all the rest.

The randomness of an encapsulation is the crypto library's own; it has no interface to hand it in.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from eepost.seal.broken import SealBroken
from eepost.seal.randomness import Randomness

SEED_OCTETS = 96
PUBLIC_KEY_OCTETS = 1216
_MLKEM_SEED_OCTETS = 64
_MLKEM_PUBLIC_OCTETS = 1184
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class PublicKey:
    """What everybody may know of a key pair: 1,184 octets for ML-KEM-768, 32 for X25519."""

    __slots__ = ("_hybrid", "octets")

    def __init__(self, octets: bytes, hybrid: MLKEM768X25519PublicKey) -> None:
        self.octets = octets
        self._hybrid = hybrid

    def __repr__(self) -> str:
        return "PublicKey(...)"  # it names an account to whoever reads two logs

    @classmethod
    def from_octets(cls, octets: bytes) -> "PublicKey":
        """Read what `octets` gave. Raises SealBroken where that is no public key."""
        if len(octets) != PUBLIC_KEY_OCTETS:
            raise SealBroken
        try:
            mlkem = MLKEM768PublicKey.from_public_bytes(octets[:_MLKEM_PUBLIC_OCTETS])
            x25519 = X25519PublicKey.from_public_bytes(octets[_MLKEM_PUBLIC_OCTETS:])
        except ValueError:
            raise SealBroken from None
        return cls(octets, MLKEM768X25519PublicKey(mlkem, x25519))

    def encrypt(self, key32: bytes, context: bytes) -> bytes:
        """Return `key32` for the holder of the private key alone.

        Raises SealBroken where the X25519 half is a point that gives everybody the same secret.
        """
        try:
            return _SUITE.encrypt(key32, self._hybrid, context)
        except ValueError:
            raise SealBroken from None


class PrivateKey:
    """What opens a maildrop; hidden in every repr.

    The keys are made from the seed when first used (0.1 ms): most sessions find their maildrop
    empty and need none.
    """

    __slots__ = ("_hybrid", "seed")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_OCTETS:
            raise ValueError("a seed has 96 octets")
        self.seed = seed
        self._hybrid: MLKEM768X25519PrivateKey | None = None

    def __repr__(self) -> str:
        return "PrivateKey(hidden)"

    @classmethod
    def from_seed(cls, seed: bytes) -> "PrivateKey":
        """Return the key that `seed` (96 octets: 64 for ML-KEM-768, 32 for X25519) stands for."""
        return cls(seed)

    @classmethod
    def generate(cls, randomness: Randomness) -> "PrivateKey":
        """Make a new key."""
        return cls(randomness(SEED_OCTETS))

    @property
    def public_key(self) -> PublicKey:
        """The public half, made anew each time."""
        mlkem, x25519 = self._parts()
        return PublicKey.from_octets(
            mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        )

    def decrypt(self, octets: bytes, context: bytes) -> bytes:
        """Return what `PublicKey.encrypt` was given. Raises SealBroken."""
        if self._hybrid is None:
            self._hybrid = MLKEM768X25519PrivateKey(*self._parts())
        try:
            return _SUITE.decrypt(octets, self._hybrid, context)
        except (InvalidTag, ValueError):
            raise SealBroken from None

    def _parts(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
        return (
            MLKEM768PrivateKey.from_seed_bytes(self.seed[:_MLKEM_SEED_OCTETS]),
            X25519PrivateKey.from_private_bytes(self.seed[_MLKEM_SEED_OCTETS:]),
        )


def encapsulate(public: PublicKey, key32: bytes, context: bytes) -> bytes:
    """Return `key32` sealed to `public`; `context` says for whom and must be given to open.

    Raises SealBroken where nothing can be sealed to `public`.
    """
    return public.encrypt(key32, context)


def open_encapsulation(private: PrivateKey, octets: bytes, context: bytes) -> bytes:
    """Return the 32 octets that were encapsulated. Raises SealBroken."""
    return private.decrypt(octets, context)
