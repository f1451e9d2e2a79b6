# SPDX-License-Identifier: Apache-2.0
"""The recovery code: 160 random bits that a user writes down and that open the maildrop.

Duty: be read back from paper whatever the hand made of it. The digits are Crockford's (no I, L, O,
U); 20 bits of check tell a mistyped code from a wrong one. With 160 bits nobody guesses, so the
wrapping key needs no slow hash.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from eepost.seal.randomness import Randomness

_SECRET_OCTETS = 20
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_CHECK_BITS = 20
_CHARACTERS = 36  # (160 + 20) / 5
_GROUP = 4
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": "", "\t": ""})


class RecoveryCodeRefused(Exception):  # noqa: N818 - an outcome for the user, not a fault
    """The text is no recovery code; says why, and nothing of the text."""


class RecoveryCode:
    """A recovery code, hidden in every repr; shown to its owner once by `to_text`."""

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        if len(octets) != _SECRET_OCTETS:
            raise ValueError("a recovery code has 20 octets")
        self._octets = octets

    def __repr__(self) -> str:
        return "RecoveryCode(hidden)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RecoveryCode):
            return NotImplemented
        return hmac.compare_digest(self._octets, other._octets)

    def __hash__(self) -> int:
        return hash(self._octets)

    @classmethod
    def generate(cls, randomness: Randomness) -> "RecoveryCode":
        """Make a new code."""
        return cls(randomness(_SECRET_OCTETS))

    @classmethod
    def from_text(cls, text: str) -> "RecoveryCode":
        """Read a code as a person typed it: case, spaces, hyphens, O for 0 and I or L for 1.

        Raises RecoveryCodeRefused.
        """
        digits = text.strip().upper().translate(_READ_AS)
        if len(digits) != _CHARACTERS:
            raise RecoveryCodeRefused(
                f"a recovery code has {_CHARACTERS} letters and digits, here are {len(digits)}"
            )
        number = 0
        for at, digit in enumerate(digits):
            if digit not in _VALUES:
                group = at // _GROUP + 1
                raise RecoveryCodeRefused(f"group {group} holds a sign that no code has")
            number = number << 5 | _VALUES[digit]
        octets = (number >> _CHECK_BITS).to_bytes(_SECRET_OCTETS, "big")
        if number & ((1 << _CHECK_BITS) - 1) != _check(octets):
            raise RecoveryCodeRefused("the recovery code was mistyped somewhere")
        return cls(octets)

    def to_text(self) -> str:
        """Return the code in nine groups of four, parted by hyphens."""
        number = int.from_bytes(self._octets, "big") << _CHECK_BITS | _check(self._octets)
        digits = [_DIGITS[number >> 5 * at & 31] for at in reversed(range(_CHARACTERS))]
        groups = ("".join(digits[at : at + _GROUP]) for at in range(0, _CHARACTERS, _GROUP))
        return "-".join(groups)

    def wrapping_key(self) -> bytes:
        """Return the 32 octets under which private keys are wrapped by this code."""
        return HKDF(SHA256(), 32, salt=None, info=b"eepost recovery wrapping 1").derive(
            self._octets
        )


def _check(octets: bytes) -> int:
    digest = hashlib.blake2b(octets, digest_size=4, person=b"eepost recover 1").digest()
    return int.from_bytes(digest, "big") >> 32 - _CHECK_BITS
