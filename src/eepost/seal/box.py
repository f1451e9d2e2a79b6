# SPDX-License-Identifier: Apache-2.0
"""Seals a small secret or record under a long-lived key: ChaCha20-Poly1305 (RFC 8439).

Duty: authenticated encryption that may be done any number of times under one key. Must not be
used for messages, which have keys and numbers of their own (`segments`).

A box is a version octet, 24 random octets and the sealed text. The random octets make a key for
this box alone: 96-bit nonces drawn at random under one key would begin to collide after some
billions of boxes, and one collision would show the texts.
"""

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from eepost.seal.broken import SealBroken
from eepost.seal.randomness import Randomness

KEY_OCTETS = 32
_VERSION = b"\x01"
_SALT_OCTETS = 24
_TAG_OCTETS = 16
BOX_OVERHEAD_OCTETS = len(_VERSION) + _SALT_OCTETS + _TAG_OCTETS
_NONCE = bytes(12)  # each key seals one text only


def seal_box(key: bytes, randomness: Randomness, plaintext: bytes, context: bytes) -> bytes:
    """Return `plaintext` sealed under `key` (32 octets); `context` must be given again to open."""
    salt = randomness(_SALT_OCTETS)
    sealed = ChaCha20Poly1305(_box_key(key, salt)).encrypt(_NONCE, plaintext, context)
    return _VERSION + salt + sealed


def open_box(key: bytes, box: bytes, context: bytes) -> bytes:
    """Return what was sealed. Raises SealBroken."""
    if len(box) < BOX_OVERHEAD_OCTETS or box[:1] != _VERSION:
        raise SealBroken
    salt, sealed = box[1 : 1 + _SALT_OCTETS], box[1 + _SALT_OCTETS :]
    try:
        return ChaCha20Poly1305(_box_key(key, salt)).decrypt(_NONCE, sealed, context)
    except InvalidTag:
        raise SealBroken from None


def _box_key(key: bytes, salt: bytes) -> bytes:
    return hashlib.blake2b(salt, key=key, digest_size=KEY_OCTETS, person=b"eepost box 1").digest()
