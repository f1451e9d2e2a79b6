# SPDX-License-Identifier: Apache-2.0
"""Accounts and sealed messages for stores, which look into neither: any octets will do."""

import hashlib
import itertools

from eepost.accounts.model import Account, KeyPair, PasswordCost, PasswordRecord, State
from eepost.maildrop.model import Encapsulation, SealedMessage, StoredEntry

_numbers = itertools.count(1)


def octets(label: str, count: int) -> bytes:
    """Return `count` octets that look random and are always the same for one label."""
    return hashlib.shake_256(label.encode()).digest(count)


def number() -> int:
    """Return 63 bits that were not used before."""
    return int.from_bytes(octets(f"number {next(_numbers)}", 8), "big") >> 1


def key_pair(generation: int = 1, *, is_reset: bool = False) -> KeyPair:
    label = f"key {generation} {number()}"
    return KeyPair(
        generation,
        octets(f"public {label}", 1216),
        None if is_reset else octets(f"password {label}", 137),
        octets(f"recovery {label}", 137),
    )


def account(name: str, *keys: KeyPair, maildrop_octets: int | None = None) -> Account:
    record = PasswordRecord(octets("salt", 16), PasswordCost(8, 1, 1), octets("verifier", 32))
    return Account(number(), name, State.ENABLED, record, keys or (key_pair(),), maildrop_octets)


def encapsulation(owner: Account) -> Encapsulation:
    fresh = number()
    return Encapsulation(
        fresh, owner.number, owner.current_key.generation, octets(f"encapsulation {fresh}", 1168)
    )


def message(
    owner: Account,
    padded_octets: int = 1024,
    segments: int = 1,
    under: Encapsulation | None = None,
) -> SealedMessage:
    """Return a message for `owner` that counts as `padded_octets`."""
    fresh = number()
    each = padded_octets // segments
    return SealedMessage(
        fresh,
        owner.number,
        under or encapsulation(owner),
        octets(f"entry {fresh}", 66),
        padded_octets,
        [octets(f"segment {at} of {fresh}", each + 16) for at in range(segments)],
    )


def stored(sealed: SealedMessage) -> StoredEntry:
    """Return what a snapshot must hold of a delivered message."""
    return StoredEntry(
        sealed.number, sealed.encapsulation.number, sealed.entry, sealed.padded_octets
    )
