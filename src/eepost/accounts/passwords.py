# SPDX-License-Identifier: Apache-2.0
"""Passwords: which ones are taken, how they are checked, and the key that each gives.

Duty: one Argon2id computation (RFC 9106) gives two halves that say nothing of each other; the
first is kept as a hash to check the password by, the second wraps the private keys and is kept
nowhere. Must not run in the event loop: a computation takes about 50 ms of CPU.
"""

import hashlib
import hmac
from dataclasses import dataclass

from argon2.low_level import Type, hash_secret_raw

from eepost.accounts.model import PasswordCost, PasswordRecord
from eepost.seal.randomness import Randomness

# Shorter ones are guessed; NIST SP 800-63B asks for 8 at least.
MIN_PASSWORD_CHARACTERS = 8
# A common I2P mail client breaks when it sends 55 octets or more.
MAX_PASSWORD_CHARACTERS = 54

_SALT_OCTETS = 16
_HALF_OCTETS = 32


class PasswordRefused(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """This can't be a password; the text says why, and nothing of the password."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, repr=False)
class Derived:
    """What a password gives for one salt and cost: 32 octets to check, 32 octets to wrap with."""

    verifier: bytes
    wrapping_key: bytes


def check_password(password: str) -> None:
    """Return if this may become a password. Raises PasswordRefused.

    Printable ASCII only, since clients disagree about the character set of all else.
    """
    if not (password.isascii() and password.isprintable()):
        raise PasswordRefused("it holds other characters than letters, digits, signs and spaces")
    if len(password) < MIN_PASSWORD_CHARACTERS:
        raise PasswordRefused(f"it has less than {MIN_PASSWORD_CHARACTERS} characters")
    if len(password) > MAX_PASSWORD_CHARACTERS:
        raise PasswordRefused(
            f"it has more than {MAX_PASSWORD_CHARACTERS} characters, which breaks some clients"
        )


def secret_octets(password: str) -> bytes:
    """Return the octets of any text that somebody offers as a password, lone surrogates too."""
    return password.encode("utf-8", "surrogatepass")


def derive(password: str, salt: bytes, cost: PasswordCost) -> Derived:
    """Compute both halves; blocks for as long as `cost` says."""
    raw = hash_secret_raw(
        secret_octets(password),
        salt,
        time_cost=cost.passes,
        memory_cost=cost.memory_kib,
        parallelism=cost.lanes,
        hash_len=2 * _HALF_OCTETS,
        type=Type.ID,
    )
    # Hashed once more, so that a verifier that is read somewhere is not the half itself.
    verifier = hashlib.blake2b(
        raw[:_HALF_OCTETS], digest_size=_HALF_OCTETS, person=b"eepost verifier1"
    ).digest()
    return Derived(verifier, raw[_HALF_OCTETS:])


def new_record(
    password: str, cost: PasswordCost, randomness: Randomness
) -> tuple[PasswordRecord, Derived]:
    """Return what to keep of a new password, and what it gives. Raises PasswordRefused."""
    check_password(password)
    salt = randomness(_SALT_OCTETS)
    derived = derive(password, salt, cost)
    return PasswordRecord(salt, cost, derived.verifier), derived


def verify(password: str, record: PasswordRecord) -> Derived | None:
    """Return what the password gives if it is the one of `record`, else None; blocks."""
    derived = derive(password, record.salt, record.cost)
    return derived if hmac.compare_digest(derived.verifier, record.verifier) else None
