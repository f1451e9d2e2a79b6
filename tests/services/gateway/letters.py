# SPDX-License-Identifier: Apache-2.0
"""Messages as strangers sign them, and the zone in which their keys stand."""

import base64
from functools import cache
from types import SimpleNamespace

import dkim  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.services.gateway.zone import Zone

DOMAIN = "peer.example"
SELECTOR = "s1"
ED_SELECTOR = "s2"
LETTER = (
    b"From: Bob <bob@peer.example>\r\n"
    b"To: alice@example.org\r\n"
    b"Subject: Hello\r\n"
    b"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
    b"Message-ID: <1@peer.example>\r\n"
    b"\r\n"
    b"Some words.\r\n"
)


@cache
def rsa_key(bits: int = 2048) -> RSAPrivateKey:
    """Return a key, the same each time."""
    return generate_private_key(65_537, bits)


@cache
def ed_key() -> Ed25519PrivateKey:
    """Return a key, the same each time."""
    return Ed25519PrivateKey.generate()


def record(bits: int = 2048) -> str:
    """Return the DKIM record of the RSA key."""
    der = rsa_key(bits).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()


def ed_record() -> str:
    """Return the DKIM record of the Ed25519 key."""
    raw = ed_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return "v=DKIM1; k=ed25519; p=" + base64.b64encode(raw).decode()


def private_pem(bits: int = 2048) -> bytes:
    """Return the RSA key as dkimpy takes it."""
    return rsa_key(bits).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )


def signed(
    message: bytes = LETTER,
    domain: str = DOMAIN,
    bits: int = 2048,
    *,
    partly: bool = False,
    body: bytes = b"simple",
) -> bytes:
    """Return `message` with a signature of `domain`."""
    signature: bytes = dkim.sign(
        message,
        SELECTOR.encode(),
        domain.encode(),
        private_pem(bits),
        include_headers=[b"from", b"to", b"subject"],
        length=partly,
        canonicalize=(b"relaxed", body),
    )
    return signature + message


def signed_by_ed25519(message: bytes = LETTER, domain: str = DOMAIN) -> bytes:
    """Return `message` with an Ed25519 signature of `domain`."""
    raw = ed_key().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    signature: bytes = dkim.sign(
        message,
        ED_SELECTOR.encode(),
        domain.encode(),
        base64.b64encode(raw),
        signature_algorithm=b"ed25519-sha256",
        include_headers=[b"from", b"to", b"subject"],
    )
    return signature + message


class _Verdict:
    method, result = "dkim", "pass"

    def __str__(self) -> str:
        return "dkim=pass"


class _Verdicts:
    @staticmethod
    def parse(text: str) -> SimpleNamespace:
        name = text.partition(":")[2].partition(";")[0].strip()
        return SimpleNamespace(authserv_id=name, results=[_Verdict()])


def forwarded(message: bytes, domain: str = "lists.example") -> bytes:
    """Return `message` as a list that keeps an ARC chain passes it on."""
    verdict = (
        b"Authentication-Results: " + domain.encode() + b"; dkim=pass header.d=peer.example\r\n"
    )
    # The library signs chains only where another one is installed that reads verdicts for it.
    dkim.authres = SimpleNamespace(
        AuthenticationResultsHeader=_Verdicts, core=SimpleNamespace(SyntaxError=ValueError)
    )
    fields = dkim.arc_sign(
        verdict + message,
        SELECTOR.encode(),
        domain.encode(),
        private_pem(),
        domain.encode(),
        include_headers=[b"from", b"subject"],
    )
    return b"".join(fields) + message


def zone(**also: dict[str, list[str]]) -> Zone:
    """Return a zone with the keys of both domains."""
    keys = {
        f"{SELECTOR}._domainkey.{domain}": {"TXT": [record()]}
        for domain in (DOMAIN, "lists.example")
    }
    keys[f"{ED_SELECTOR}._domainkey.{DOMAIN}"] = {"TXT": [ed_record()]}
    return Zone(keys | also)
