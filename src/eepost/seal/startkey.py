# SPDX-License-Identifier: Apache-2.0
"""The start key: what the operator gives at start and keeps away from the disk.

Duty: derive a key for every purpose from it, so that names on the disk are keyed tags and records
are sealed. Must not be shown: it stands in no repr, error or log.
"""

import base64
import hashlib
import hmac
import re

from eepost.seal.box import KEY_OCTETS, open_box, seal_box
from eepost.seal.randomness import Randomness

_PREFIX = "eepost-start-key-1:"
# 32 + 3 octets are 56 characters of base32 without padding; a slip of the pen passes once in
# sixteen million times.
_CHECK_OCTETS = 3
_TEXT_CHARACTERS = 56
_BODY = re.compile(r"[a-z2-7]+")


class StartKeyDamaged(Exception):  # noqa: N818 - an outcome for the caller, not a fault of ours
    """The text is no start key; says why, and nothing of the text."""


class StartKey:
    """32 secret octets and what is derived from them. Purposes never share a key."""

    __slots__ = ("_derived", "_octets")

    def __init__(self, octets: bytes) -> None:
        if len(octets) != KEY_OCTETS:
            raise ValueError("a start key has 32 octets")
        self._octets = octets
        # Purposes are constants of the program, so this stays small.
        self._derived: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return "StartKey(hidden)"

    @classmethod
    def generate(cls, randomness: Randomness) -> "StartKey":
        """Make a new key."""
        return cls(randomness(KEY_OCTETS))

    @classmethod
    def from_text(cls, text: str) -> "StartKey":
        """Read the one line that `to_text` wrote; case and space around it do not matter.

        Raises StartKeyDamaged.
        """
        line = text.strip().lower()
        if not line.startswith(_PREFIX):
            raise StartKeyDamaged(f"a start key is one line that begins with {_PREFIX}")
        body = line.removeprefix(_PREFIX)
        if len(body) != _TEXT_CHARACTERS:
            raise StartKeyDamaged(
                f"after {_PREFIX} stand {_TEXT_CHARACTERS} characters, here are {len(body)}"
            )
        if not _BODY.fullmatch(body):
            raise StartKeyDamaged("a start key is written with the letters a-z and 2-7")
        octets = base64.b32decode(body.upper())
        key, check = octets[:KEY_OCTETS], octets[KEY_OCTETS:]
        if not hmac.compare_digest(_check(key), check):
            raise StartKeyDamaged(
                "the check characters do not fit: the key was damaged or mistyped"
            )
        return cls(key)

    def to_text(self) -> str:
        """Return the key as one line without its line end: a secret, to be kept apart."""
        body = base64.b32encode(self._octets + _check(self._octets))
        return _PREFIX + body.decode("ascii").lower()

    def subkey(self, purpose: str) -> bytes:
        """Return 32 octets for `purpose` that say nothing of any other purpose's."""
        return self._derive(f"key:{purpose}")

    def tag(self, purpose: str, text: str) -> bytes:
        """Return 32 octets that stand for `text` and tell it to nobody without the key."""
        key = self._derive(f"tag:{purpose}")
        return hashlib.blake2b(text.encode("utf-8"), key=key, digest_size=32).digest()

    def seal(
        self, purpose: str, nonce_source: Randomness, plaintext: bytes, context: bytes
    ) -> bytes:
        """Return `plaintext` sealed for `purpose`; `context` says where it belongs (a row's id)."""
        return seal_box(self._derive(f"seal:{purpose}"), nonce_source, plaintext, context)

    def open(self, purpose: str, sealed: bytes, context: bytes) -> bytes:
        """Return what `seal` sealed for the same purpose and context. Raises SealBroken."""
        return open_box(self._derive(f"seal:{purpose}"), sealed, context)

    def _derive(self, label: str) -> bytes:
        derived = self._derived.get(label)
        if derived is None:
            derived = self._derived[label] = hashlib.blake2b(
                label.encode("utf-8"), key=self._octets, digest_size=32, person=b"eepost start 1"
            ).digest()
        return derived


def _check(key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=_CHECK_OCTETS, person=b"eepost check 1").digest()
