# SPDX-License-Identifier: Apache-2.0
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from eepost.wire.outward.tlsa import Tlsa, is_proven, usable

PrivateKey = ec.EllipticCurvePrivateKey
NAME = "mx.far.example"
NOW = datetime.now(UTC) + timedelta(minutes=1)
LATER = datetime(3001, 1, 1, tzinfo=UTC)


def der(pem: trustme.Blob) -> bytes:
    return x509.load_pem_x509_certificate(pem.bytes()).public_bytes(Encoding.DER)


def key_of(octets: bytes) -> bytes:
    key = x509.load_der_x509_certificate(octets).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


ROOT = trustme.CA()
MIDDLE = ROOT.create_child_ca()
STRANGER = trustme.CA()
ROOT_DER, MIDDLE_DER = der(ROOT.cert_pem), der(MIDDLE.cert_pem)
LEAF_DER = der(MIDDLE.issue_cert(NAME).cert_chain_pems[0])
CHAIN = (LEAF_DER, MIDDLE_DER)
FULL = (*CHAIN, ROOT_DER)


def proven(record: Tlsa, chain: tuple[bytes, ...] = FULL, name: str = NAME) -> bool:
    return is_proven(chain, [record], [name], NOW)


@pytest.mark.parametrize(
    "record",
    [
        Tlsa(3, 0, 0, LEAF_DER),
        Tlsa(3, 0, 1, hashlib.sha256(LEAF_DER).digest()),
        Tlsa(3, 1, 1, hashlib.sha256(key_of(LEAF_DER)).digest()),
        Tlsa(3, 1, 2, hashlib.sha512(key_of(LEAF_DER)).digest()),
        Tlsa(2, 0, 1, hashlib.sha256(MIDDLE_DER).digest()),
        Tlsa(2, 1, 1, hashlib.sha256(key_of(ROOT_DER)).digest()),
        Tlsa(2, 0, 0, ROOT_DER),
    ],
)
def test_chain_that_a_record_describes_is_proven(record: Tlsa) -> None:
    assert proven(record)


@pytest.mark.parametrize(
    "record",
    [
        Tlsa(3, 0, 1, hashlib.sha256(MIDDLE_DER).digest()),  # another certificate of the chain
        Tlsa(3, 1, 1, bytes(32)),
        Tlsa(3, 1, 1, b""),
        Tlsa(2, 0, 1, hashlib.sha256(LEAF_DER).digest()),  # the leaf is no anchor
        Tlsa(2, 0, 1, hashlib.sha256(der(STRANGER.cert_pem)).digest()),
        Tlsa(2, 0, 0, der(STRANGER.cert_pem)),
        Tlsa(2, 0, 0, b"no certificate"),
    ],
)
def test_chain_that_no_record_describes_is_not_proven(record: Tlsa) -> None:
    assert not proven(record)


def test_anchor_that_was_not_sent_is_taken_from_the_record_alone() -> None:
    assert proven(Tlsa(2, 0, 0, ROOT_DER), CHAIN)
    assert not proven(Tlsa(2, 0, 1, hashlib.sha256(ROOT_DER).digest()), CHAIN)


def test_anchor_that_was_sent_along_but_signed_nothing_proves_nothing() -> None:
    stranger = der(STRANGER.cert_pem)
    record = Tlsa(2, 0, 1, hashlib.sha256(stranger).digest())
    assert not proven(record, (*CHAIN, stranger))


def test_name_counts_under_an_anchor_and_not_for_the_key_itself() -> None:
    anchor = Tlsa(2, 0, 1, hashlib.sha256(MIDDLE_DER).digest())
    key = Tlsa(3, 1, 1, hashlib.sha256(key_of(LEAF_DER)).digest())
    assert not proven(anchor, name="other.example")
    assert proven(key, name="other.example")
    assert is_proven(FULL, [anchor], ["other.example", NAME], NOW)
    assert not proven(anchor, name="not a name")


def signed(name: str, key: PrivateKey, by: tuple[str, PrivateKey], *, is_authority: bool) -> bytes:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(by[0]))
        .public_key(key.public_key())
        .serial_number(1_000)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    return builder.sign(by[1], SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("is_authority", [True, False])
def test_only_an_authority_signs_for_others(is_authority: bool) -> None:
    one, two, three = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root = signed("root.example", one, ("root.example", one), is_authority=True)
    middle = signed("middle.example", two, ("root.example", one), is_authority=is_authority)
    leaf = signed(NAME, three, ("middle.example", two), is_authority=False)
    assert proven(Tlsa(2, 0, 0, root), (leaf, middle)) == is_authority


def test_date_counts_under_an_anchor_and_not_for_the_key_itself() -> None:
    anchor = Tlsa(2, 0, 1, hashlib.sha256(MIDDLE_DER).digest())
    key = Tlsa(3, 1, 1, hashlib.sha256(key_of(LEAF_DER)).digest())
    assert not is_proven(FULL, [anchor], [NAME], LATER)
    assert is_proven(FULL, [key], [NAME], LATER)


def test_one_record_of_several_is_enough() -> None:
    records = [Tlsa(3, 1, 1, bytes(32)), Tlsa(3, 0, 0, LEAF_DER)]
    assert is_proven(FULL, records, [NAME], NOW)


@pytest.mark.parametrize("chain", [(), (b"noise",), (LEAF_DER, b"noise")])
def test_what_is_no_chain_proves_nothing(chain: tuple[bytes, ...]) -> None:
    assert not proven(Tlsa(3, 0, 0, LEAF_DER), chain)


def test_only_records_that_mean_something_here_are_used() -> None:
    good = [Tlsa(3, 1, 1, b"x"), Tlsa(2, 0, 2, b"x")]
    odd = [Tlsa(0, 1, 1, b"x"), Tlsa(1, 1, 1, b"x"), Tlsa(3, 2, 1, b"x"), Tlsa(3, 1, 3, b"x")]
    assert usable([*odd, *good]) == tuple(good)
    assert usable(odd) == ()
    assert len(usable(good * 100)) == 20
