# SPDX-License-Identifier: Apache-2.0
"""DANE: whether a certificate chain is the one that signed DNS records ask for (RFC 7672, 6698).

Trust: the records were validated by the resolver; the chain comes from whoever answered the port.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from hmac import compare_digest
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

# Records of one host, and certificates of one chain, that are looked at.
MAX_RECORDS = 20
MAX_CHAIN = 10


class Usage(IntEnum):
    """RFC 7672 3.1: usages 0 and 1 are not for SMTP."""

    TRUST_ANCHOR = 2
    END_ENTITY = 3


_SELECTORS: Final[dict[int, Callable[[x509.Certificate], bytes]]] = {
    0: lambda certificate: certificate.public_bytes(Encoding.DER),
    1: lambda certificate: certificate.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    ),
}
_MATCHINGS: Final[dict[int, Callable[[bytes], bytes]]] = {
    0: lambda octets: octets,
    1: lambda octets: hashlib.sha256(octets).digest(),
    2: lambda octets: hashlib.sha512(octets).digest(),
}


@dataclass(frozen=True, slots=True)
class Tlsa:
    """One record as it stands in the DNS."""

    usage: int
    selector: int
    matching: int
    octets: bytes

    @property
    def is_usable(self) -> bool:
        """Something that a certificate can be held against."""
        return (
            self.usage in tuple(Usage) and self.selector in _SELECTORS
        ) and self.matching in _MATCHINGS

    def matches(self, certificate: x509.Certificate) -> bool:
        """Whether the record is about `certificate`."""
        selected = _SELECTORS[self.selector](certificate)
        return compare_digest(_MATCHINGS[self.matching](selected), self.octets)


def usable(records: Sequence[Tlsa]) -> tuple[Tlsa, ...]:
    """Return the records that count; with some but none of them usable TLS is a must all the same.

    RFC 7672 2.2, 3.1.
    """
    return tuple(each for each in records[:MAX_RECORDS] if each.is_usable)


def is_proven(
    chain: Sequence[bytes], records: Sequence[Tlsa], names: Sequence[str], now: datetime
) -> bool:
    """Whether `chain`, DER and the host's own certificate first, satisfies any of usable `records`.

    An end entity's record vouches for the key alone: names and dates don't count (RFC 7672 3.1.1).
    A trust anchor's record needs the whole way from the certificate to it, under one of `names`.
    """
    try:
        certificates = [x509.load_der_x509_certificate(each) for each in chain[:MAX_CHAIN]]
    except ValueError:
        return False
    if not certificates:
        return False
    return any(_satisfies(certificates, record, names, now) for record in records)


def _satisfies(
    chain: Sequence[x509.Certificate], record: Tlsa, names: Sequence[str], now: datetime
) -> bool:
    if record.usage == Usage.END_ENTITY:
        return record.matches(chain[0])
    anchors = [each for each in (*chain[1:], *_in_full(record)) if record.matches(each)]
    return any(_leads_to(anchor, chain, name, now) for anchor in anchors for name in names)


def _in_full(record: Tlsa) -> list[x509.Certificate]:
    """Return the anchor that stands in the DNS itself, where hosts need not send it."""
    if (record.selector, record.matching) != (0, 0):
        return []
    try:
        return [x509.load_der_x509_certificate(record.octets)]
    except ValueError:
        return []


def _leads_to(
    anchor: x509.Certificate, chain: Sequence[x509.Certificate], name: str, now: datetime
) -> bool:
    # Mail servers' own authorities seldom keep to the web's profile; what has to hold is that the
    # name is there and that those who signed are authorities.
    leaf = ExtensionPolicy.permit_all().require_present(
        x509.SubjectAlternativeName, Criticality.AGNOSTIC, None
    )
    authority = ExtensionPolicy.permit_all().require_present(
        x509.BasicConstraints, Criticality.AGNOSTIC, None
    )
    builder = PolicyBuilder().store(Store([anchor])).time(now)
    builder = builder.extension_policies(ee_policy=leaf, ca_policy=authority)
    try:
        verifier = builder.build_server_verifier(x509.DNSName(name))
        verifier.verify(chain[0], list(chain[1:]))
    except (VerificationError, ValueError):
        return False
    return True
