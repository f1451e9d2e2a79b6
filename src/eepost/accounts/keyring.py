# SPDX-License-Identifier: Apache-2.0
"""An account's private keys behind their two doors: its password and its recovery code.

Every wrapped seed is bound to account, generation and door, so that a wrapped seed of one place is
worth nothing in another.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum

from eepost.accounts.model import Account, KeyPair
from eepost.seal.broken import SealBroken
from eepost.seal.keypair import PrivateKey
from eepost.seal.randomness import Randomness
from eepost.seal.wrapping import unwrap, wrap


class Door(Enum):
    """Which of the two wrapped forms of a seed is meant."""

    PASSWORD = b"password"
    RECOVERY = b"recovery"


def new_generation(
    account: int, generation: int, doors: Mapping[Door, bytes], randomness: Randomness
) -> KeyPair:
    """Return a new key pair, wrapped under the wrapping key of each door."""
    private = PrivateKey.generate(randomness)
    pair = KeyPair(generation, private.public_key.octets, None, b"")
    return rewrap(account, pair, private.seed, doors, randomness)


def rewrap(
    account: int, pair: KeyPair, seed: bytes, doors: Mapping[Door, bytes], randomness: Randomness
) -> KeyPair:
    """Return `pair` with its seed wrapped anew for the doors given; others stay as they are."""
    wrapped = {
        door: wrap(seed, key, _context(account, pair.generation, door), randomness)
        for door, key in doors.items()
    }
    return replace(
        pair,
        by_password=wrapped.get(Door.PASSWORD, pair.by_password),
        by_recovery=wrapped.get(Door.RECOVERY, pair.by_recovery),
    )


def open_seeds(account: Account, door: Door, wrapping_key: bytes) -> dict[int, bytes]:
    """Return the seeds that `wrapping_key` opens at this door, by generation."""
    seeds = {}
    for pair in account.keys:
        wrapped = pair.by_password if door is Door.PASSWORD else pair.by_recovery
        if wrapped is None:
            continue
        try:
            seeds[pair.generation] = unwrap(
                wrapped, wrapping_key, _context(account.number, pair.generation, door)
            )
        except SealBroken:
            continue  # under another code, or damaged: shut for this door
    return seeds


def _context(account: int, generation: int, door: Door) -> bytes:
    return account.to_bytes(8, "big") + generation.to_bytes(4, "big") + door.value
