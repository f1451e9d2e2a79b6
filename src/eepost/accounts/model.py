# SPDX-License-Identifier: Apache-2.0
"""An account: a login with its password verifier, its key pairs and its state."""

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """Whether an account may log in and get mail."""

    ENABLED = "enabled"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class PasswordCost:
    """Argon2id's parameters (RFC 9106 4): memory in KiB, passes, lanes."""

    memory_kib: int = 65_536
    passes: int = 3
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class PasswordRecord:
    """What is kept of a password: enough to check it and to derive the wrapping key from it."""

    salt: bytes  # 16 octets
    cost: PasswordCost
    verifier: bytes  # 32 octets, a hash of the first half of what Argon2id gave


@dataclass(frozen=True, slots=True)
class KeyPair:
    """One generation of an account's sealing keys.

    `by_password` is None after an operator's reset: mail sealed to this generation then opens
    only with the recovery code.
    """

    generation: int  # counts from 1
    public_key: bytes
    by_password: bytes | None  # the private key, wrapped
    by_recovery: bytes  # the private key, wrapped


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is kept. `number` is random and means nothing; `name` is its login."""

    number: int  # 63 random bits
    name: str
    state: State
    password: PasswordRecord
    keys: tuple[KeyPair, ...]  # oldest first; the last is the one to seal to
    maildrop_octets: int | None = None  # None: the configured limit

    @property
    def current_key(self) -> KeyPair:
        """The generation that new mail is sealed to."""
        return self.keys[-1]
