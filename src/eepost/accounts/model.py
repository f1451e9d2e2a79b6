# SPDX-License-Identifier: Apache-2.0
"""An account: a login with its password verifier, its key pairs and its state."""

from dataclasses import dataclass, field
from enum import Enum

from eepost.accounts.preferences import Preferences


class State(Enum):
    """Whether an account may log in and get mail."""

    ENABLED = "enabled"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class PasswordCost:
    """Argon2id's parameters (RFC 9106 4): memory in KiB, passes, lanes.

    RFC 9106's smaller choice is 64 MiB and 3 passes: 280 ms a login where 19 MiB and 2 passes (the
    least that OWASP advises) take 47. The smaller one is the default: two computations at once
    stay below 40 MiB, a thousand users are back after a restart within half a minute, and hundreds
    of accounts are added in seconds. What it gives away is 2 to 3 bits of a guess, and only to
    somebody who has the start key beside the disk, since records are sealed under it. Every record
    names its own cost, so an operator may raise it at any time.
    """

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class PasswordRecord:
    """What is kept of a password: enough to check it and to derive the wrapping key from it."""

    salt: bytes = field(repr=False)  # 16 octets
    cost: PasswordCost
    verifier: bytes = field(repr=False)  # 32 octets, a hash of half of what Argon2id gave


@dataclass(frozen=True, slots=True)
class KeyPair:
    """One generation of an account's sealing keys.

    `by_password` is None after an operator's reset: mail sealed to this generation then opens
    only with the recovery code.
    """

    generation: int  # counts from 1
    public_key: bytes = field(repr=False)
    by_password: bytes | None = field(repr=False)  # the private key's seed, wrapped
    by_recovery: bytes = field(repr=False)  # the private key's seed, wrapped


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is kept. `number` is random and means nothing; `name` is its login.

    No repr shows name or number: they must not come into a log by way of a traceback.
    """

    number: int = field(repr=False)  # 63 random bits
    name: str = field(repr=False)
    state: State
    password: PasswordRecord
    keys: tuple[KeyPair, ...]  # oldest first; the last is the one to seal to
    maildrop_octets: int | None = None  # None: the configured limit
    preferences: Preferences = field(default_factory=Preferences)

    @property
    def current_key(self) -> KeyPair:
        """The generation that new mail is sealed to."""
        return self.keys[-1]
