# SPDX-License-Identifier: Apache-2.0
"""Signs what leaves: DKIM under the sender's official domain, with RSA and with Ed25519.

dkimpy does it (RFC 6376, RFC 8463). Two things are put right from outside: the time in a signature
is cut to the minute, like every time that leaves here, and RSA is computed by `cryptography`: in
dkimpy's own Python it took 6 ms a message, and how long it took told of the key.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import dkim  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_RSA, _ED25519 = b"rsa-sha256", b"ed25519-sha256"
# The body is given to the library as the relaxed algorithm leaves it, so that nothing is left for
# it to do: it would take time that grows with the square of a line's blanks, and hold all else up
# meanwhile (a line of 64,000 blanks costs it 20 seconds). What is said is what was done.
_DONE_RELAXED = (b"relaxed", b"simple")
_RELAXED = (b"relaxed", b"relaxed")
_EMPTY_LINE = b"\r\n\r\n"
# Each of these is signed once more often than it stands there, so that none can be added.
_SIGNED = (
    *(b"from", b"to", b"cc", b"reply-to", b"subject", b"date", b"message-id", b"in-reply-to"),
    *(b"references", b"mime-version", b"content-type", b"content-transfer-encoding"),
    *(b"content-disposition", b"autocrypt"),
)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the selector under which its public half stands in the DNS.

    `private` is PEM for RSA and the seed in base 64 for Ed25519, as dkimpy wants them.
    """

    selector: str
    private: bytes = field(repr=False)

    @property
    def is_rsa(self) -> bool:
        """RSA, or else Ed25519."""
        return self.private.startswith(b"-----BEGIN")


class Signer:
    """Signs messages under any of our domains."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        self._keys = tuple((key, _RsaKey(key.private) if key.is_rsa else None) for key in keys)

    def sign(self, message: bytes, domain: str, signed_utc: int) -> bytes:
        """Return the DKIM-Signature fields to put in front of `message`, one for each key."""
        header, empty_line, body = message.partition(_EMPTY_LINE)
        body = relaxed_body(body)
        return b"".join(
            _Signing(header + empty_line, body, signed_utc, rsa).field(key, domain)
            for key, rsa in self._keys
        )


def relaxed_body(body: bytes) -> bytes:
    """Return a body (CRLF lines) as the relaxed algorithm reads it (RFC 6376 3.4.4).

    In time that grows with its size alone, and in steps of some milliseconds for 10 MB.
    """
    body = body.replace(b"\t", b" ")
    while b"  " in body:
        body = body.replace(b"  ", b" ")  # halves all rows of blanks
    body = body.replace(b" \r\n", b"\r\n").removesuffix(b" ").rstrip(b"\r\n")
    return body + b"\r\n" if body else b""


class _Signature:
    """What dkimpy's Ed25519 keys give back."""

    def __init__(self, signature: bytes) -> None:
        self.signature = signature


class _RsaKey:
    """An RSA key in the shape of dkimpy's Ed25519 keys, which sign a digest."""

    def __init__(self, pem: bytes) -> None:
        key = load_pem_private_key(pem, None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError("is not an RSA key")
        self._key = key

    def sign(self, digest: bytes) -> _Signature:
        """Return RSASSA-PKCS1-v1_5 with SHA-256 (RFC 6376 3.3.3)."""
        return _Signature(self._key.sign(digest, PKCS1v15(), Prehashed(SHA256())))


class _Signing(dkim.DKIM):  # type: ignore[misc] # dkimpy has no types
    """One signature."""

    def __init__(self, header: bytes, body: bytes, signed_utc: int, rsa: _RsaKey | None) -> None:
        super().__init__(header)
        self.body = body
        self._time = b"%d" % (signed_utc // 60 * 60)
        self._rsa = rsa

    def field(self, key: SigningKey, domain: str) -> bytes:
        """Return the DKIM-Signature field with its CRLF."""
        present = [name.lower() for name, _ in self.headers]
        signed: bytes = self.sign(
            key.selector.encode("ascii"),
            domain.encode("ascii"),
            key.private,
            signature_algorithm=_RSA if key.is_rsa else _ED25519,
            # Of no body at all the simple algorithm makes an empty line.
            canonicalize=_DONE_RELAXED if self.body else _RELAXED,
            include_headers=[*(name for name in _SIGNED if name in present), *_SIGNED],
        )
        return signed

    def gen_header(
        self,
        fields: list[tuple[bytes, bytes]],
        include_headers: Any,
        canon_policy: Any,
        header_name: bytes,
        pk: Any,
        standardize: bool = False,
    ) -> bytes:
        """Put in our time and algorithms; let `cryptography` compute where the key is RSA."""
        ours = {b"t": self._time, b"c": b"/".join(_RELAXED)}
        fields = [(name, ours.get(name, value)) for name, value in fields]
        if self._rsa is not None:
            # The `a=` tag is written already; now this only says which branch computes.
            self.signature_algorithm, pk = _ED25519, self._rsa
        written: bytes = super().gen_header(
            fields, include_headers, canon_policy, header_name, pk, standardize
        )
        return written
