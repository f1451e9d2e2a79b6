# SPDX-License-Identifier: Apache-2.0
"""S/MIME that is signed but not encrypted: opened by mail programs, so looked through here."""

import base64
import email
import re
import subprocess
from pathlib import Path

import pytest

from eepost.mail.violation import PeerViolation
from eepost.sanitise.choices import Choices, Dangerous
from eepost.sanitise.inbound import Inbound, sanitise_to_user
from eepost.sanitise.leaves import MAX_PACKINGS
from eepost.sanitise.opaque import MAX_DEPTH, MAX_PIECES, signed_content
from eepost.sanitise.outcome import Sanitised
from tests.sanitise.parts import content

CONTEXT = Inbound(randomness=lambda count: b"\x01" * count)
PAGE = b"Content-Type: text/html\r\n\r\n<p>words<img src=http://evil/t.gif>\r\n"
TEXT = b"Content-Type: text/plain\r\n\r\nwords\r\n"
SIGNED = bytes.fromhex("06092a864886f70d010702")
DATA = bytes.fromhex("06092a864886f70d010701")


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key and its own certificate: anybody can make these."""
    folder = tmp_path_factory.mktemp("signer")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x"]
    out = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", *made, *out], check=True, capture_output=True)
    return key, certificate


def by_openssl(message: bytes, verb: str, *options: str) -> bytes:
    command = ["openssl", "cms", f"-{verb}", "-outform", "DER", "-binary", *options]
    return subprocess.run(command, input=message, check=True, capture_output=True).stdout


def sign(message: bytes, signer: tuple[Path, Path], *options: str) -> bytes:
    key, certificate = map(str, signer)
    given = ("-nodetach", "-signer", certificate, "-inkey", key, *options)
    return by_openssl(message, "sign", *given)


def mail(octets: bytes, kind: bytes = b"application/pkcs7-mime; smime-type=signed-data") -> bytes:
    return (
        b"From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: " + kind + b"; name=smime.p7m\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(octets).replace(b"\n", b"\r\n")
    )


def to_user(message: bytes, context: Inbound = CONTEXT) -> bytes:
    outcome = sanitise_to_user(message, context)
    assert isinstance(outcome, Sanitised)
    return b"".join(outcome.pieces)


@pytest.mark.parametrize("options", [(), ("-stream", "-indef")], ids=["whole", "in pieces"])
@pytest.mark.parametrize("kind", [b"application/x-pkcs7-mime", b"application/octet-stream"])
def test_page_that_does_something_is_set_aside(
    signer: tuple[Path, Path], options: tuple[str, ...], kind: bytes
) -> None:
    octets = sign(PAGE, signer, *options)
    assert signed_content(octets) == PAGE
    parts = list(email.message_from_bytes(to_user(mail(octets, kind))).walk())
    kinds = [part.get_content_type() for part in parts]
    assert kinds == ["multipart/mixed", "text/plain", "application/octet-stream"]
    assert content(parts[1]) == b"words\r\n"
    assert content(parts[2]) == mail(octets, kind)


def test_what_does_nothing_passes_to_the_octet(signer: tuple[Path, Path]) -> None:
    _, certificate = map(str, signer)
    for octets in (
        sign(TEXT, signer),
        sign(TEXT * 10_000, signer, "-stream", "-indef"),
        by_openssl(PAGE, "encrypt", "-recip", certificate),
        b"nothing of the kind",
    ):
        assert to_user(mail(octets)) == mail(octets)
    long_line = mail(sign(TEXT, signer)).replace(b"\r\n", b"").replace(b"base64", b"base64\r\n\r\n")
    assert b"words" not in to_user(long_line)


def test_signed_mail_in_signed_mail_is_looked_through_so_far(signer: tuple[Path, Path]) -> None:
    _, certificate = map(str, signer)
    message = mail(sign(mail(by_openssl(PAGE, "encrypt", "-recip", certificate)), signer))
    assert to_user(message) == message
    for inside in (TEXT, PAGE):
        message = inside
        for _ in range(MAX_PACKINGS):
            message = mail(sign(message, signer))
        assert (to_user(message) == message) is (inside == TEXT)
    assert b"signed-original" in to_user(mail(sign(mail(sign(message, signer)), signer)))


@pytest.mark.parametrize(("inside", "passes"), [(TEXT, True), (PAGE, False)])
def test_opaque_mail_in_what_is_signed_beside_it_is_looked_through(
    signer: tuple[Path, Path], inside: bytes, passes: bool
) -> None:
    multipart = b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n%s\r\n--b--\r\n"
    message = multipart % mail(sign(inside, signer))
    assert (to_user(message) == message) is passes
    assert b"signed-original" in to_user(multipart % mail(b"0nonsense"))


def test_file_that_may_run_something_passes_by_choice(signer: tuple[Path, Path]) -> None:
    message = mail(sign(b"Content-Type: application/x-sh; name=a.sh\r\n\r\n#!\r\n", signer))
    assert b"signed-original" in to_user(message)
    lets = Inbound(CONTEXT.randomness, choices=Choices(dangerous=Dangerous.PASS))
    assert to_user(message, lets) == message


def element(tag: int, *parts: bytes) -> bytes:
    octets = b"".join(parts)
    return bytes((tag, 0x84)) + len(octets).to_bytes(4, "big") + octets


def packed(inner: bytes, kind: bytes = SIGNED) -> bytes:
    held = element(0x30, b"\x02\x01\x01", b"\x31\x00", element(0x30, DATA, inner))
    return element(0x30, kind, element(0xA0, held))


def nested(times: int, octets: bytes = b"\x04\x01x") -> bytes:
    for _ in range(times):
        octets = element(0x24, octets)
    return octets


def test_content_is_found_in_pieces_of_pieces() -> None:
    assert signed_content(packed(element(0xA0, nested(MAX_DEPTH)))) == b"x"
    assert signed_content(packed(b"")) is None  # detached


@pytest.mark.parametrize(
    "octets",
    [
        b"\x30",
        b"\x30\x05x",
        b"\x30\x00",
        packed(b"", bytes.fromhex("060b2a864886f70d0109100109")),  # compressed
        packed(b"")[:-3],
        packed(element(0xA0)),
        packed(element(0xA0, b"\x02\x01x")),
        packed(element(0xA0, nested(MAX_DEPTH + 2))),
        packed(element(0xA0, element(0x24, b"\x04\x00" * MAX_PIECES))),
        b"\x30\x80" * (MAX_DEPTH + 3),
        b"\x30\x80\x3f\x80\x00\x00",
        element(0x30, SIGNED, element(0xA0, element(0x30, b"\x02\x01\x01"))),
    ],
    ids=range(12),
)
def test_what_can_not_be_followed_is_set_aside(octets: bytes) -> None:
    with pytest.raises(PeerViolation):
        signed_content(octets)
    assert b"signed-original" in to_user(mail(octets))


def test_what_is_signed_has_bounds_too(signer: tuple[Path, Path]) -> None:
    parts = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 1_001
    assert b"signed-original" in to_user(mail(sign(parts, signer)))
    assert re.search(b"(?m)^--b", to_user(mail(sign(parts, signer)))) is None
