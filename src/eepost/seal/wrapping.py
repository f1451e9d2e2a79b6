# SPDX-License-Identifier: Apache-2.0
"""Keeps a private key's seed under a key that a password or a recovery code gives.

The context names account, generation and which of the two doors it is, so that no wrapped seed
can be put in another's place.
"""

from eepost.seal.box import open_box, seal_box
from eepost.seal.randomness import Randomness


def wrap(seed: bytes, wrapping_key: bytes, context: bytes, randomness: Randomness) -> bytes:
    """Return `seed` wrapped under `wrapping_key` (32 octets)."""
    return seal_box(wrapping_key, randomness, seed, b"seed:" + context)


def unwrap(wrapped: bytes, wrapping_key: bytes, context: bytes) -> bytes:
    """Return the seed. Raises SealBroken where key or context is another."""
    return open_box(wrapping_key, wrapped, b"seed:" + context)
