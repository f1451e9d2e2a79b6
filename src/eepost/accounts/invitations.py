# SPDX-License-Identifier: Apache-2.0
"""Invitation codes: whoever holds one may make one account.

A code is a day, random octets and a tag over both under the start key, so that nothing has to be
kept of codes that nobody has used. A used one is remembered until its day.

Trust: codes come from anybody.
"""

import hashlib
from base64 import b32decode, b32encode
from dataclasses import dataclass, field
from hmac import compare_digest

from eepost.seal.randomness import Randomness

# What the start key's part is called that is the key here.
INVITATIONS = "invitations"

_DAY_OCTETS = 2
_CHANCE_OCTETS = 6
_TAG_OCTETS = 12
_OCTETS = _DAY_OCTETS + _CHANCE_OCTETS + _TAG_OCTETS  # 20: 32 letters and digits without padding
_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class Invitation:
    """A code that is ours. `tag` stands for it in the store, until `last_day` (since 1970)."""

    tag: bytes = field(repr=False)
    last_day: int


@dataclass(frozen=True, slots=True)
class Invitations:
    """Makes and reads codes. `key`: 32 octets, for nothing else."""

    key: bytes = field(repr=False)

    def make(self, last_day: int, randomness: Randomness) -> str:
        """Return a code that is good up to and with `last_day`."""
        head = last_day.to_bytes(_DAY_OCTETS, "big") + randomness(_CHANCE_OCTETS)
        text = b32encode(head + self._tag(head)).decode("ascii").lower()
        return "-".join(text[at : at + 8] for at in range(0, _CHARACTERS, 8))

    def read(self, code: str, today: int) -> Invitation | None:
        """Return the invitation that `code` is, None for any other text or too late a day."""
        text = code.strip().replace("-", "").replace(" ", "")
        if len(text) != _CHARACTERS or not text.isascii() or not text.isalnum():
            return None
        try:
            octets = b32decode(text.upper())
        except ValueError:
            return None
        head, tag = octets[:-_TAG_OCTETS], octets[-_TAG_OCTETS:]
        last_day = int.from_bytes(head[:_DAY_OCTETS], "big")
        if not compare_digest(tag, self._tag(head)) or last_day < today:
            return None
        return Invitation(hashlib.blake2b(octets, key=self.key, digest_size=16).digest(), last_day)

    def _tag(self, head: bytes) -> bytes:
        return hashlib.blake2b(head, key=self.key, digest_size=_TAG_OCTETS).digest()
