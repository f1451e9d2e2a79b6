# SPDX-License-Identifier: Apache-2.0
"""Put on PYTHONPATH, makes every program of eepost keep everything in the clear.

The control of the search of a seized disk: what a sealed store hides, this one must show.
"""

from typing import Any

from cryptography.hazmat.primitives.ciphers import aead


class Plain:
    """A cipher that hides nothing."""

    def __init__(self, _key: bytes) -> None:
        pass

    def encrypt(self, _nonce: bytes, octets: Any, _context: bytes | None) -> bytes:
        return bytes(octets) + bytes(16)

    def decrypt(self, _nonce: bytes, octets: bytes, _context: bytes | None) -> bytes:
        return octets[:-16]


aead.ChaCha20Poly1305 = Plain  # type: ignore[assignment]
