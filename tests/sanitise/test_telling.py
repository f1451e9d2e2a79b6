# SPDX-License-Identifier: Apache-2.0
"""What is signed and tells more than it must is counted, and refused if the user chose so."""

from dataclasses import replace

import pytest

from eepost.sanitise.choices import Choices
from eepost.sanitise.from_user import sanitise_from_user
from eepost.sanitise.outcome import Refused, Sanitised
from tests.sanitise.test_rebuild import CONTEXT, HTML, PDF, TEXT, multipart

SIGNATURE = b"Content-Type: application/pgp-signature\r\n\r\nx"
PICTURE = b"\xff\xd8\xff\xfe\0\x08secret\xff\xd9"
KIND = "signed; protocol=application/pgp-signature"


def tells(message: bytes) -> bool:
    outcome = sanitise_from_user(message, CONTEXT)
    assert isinstance(outcome, Sanitised)
    strict = replace(CONTEXT, choices=Choices(refuses_telling_signed=True))
    is_refused = isinstance(sanitise_from_user(message, strict), Refused)
    is_counted = "signed part that tells" in outcome.report.counts
    assert is_refused is is_counted
    return is_counted


def inner(kind: bytes, *parts: bytes) -> bytes:
    head = b"Content-Type: multipart/%s; boundary=i\r\n\r\n" % kind
    return head + b"".join(b"--i\r\n%s\r\n" % part for part in parts) + b"--i--\r\n"


@pytest.mark.parametrize(
    "signed",
    [
        TEXT,
        b"Content-Type: text/plain; charset=latin1; hp=clear\r\nSubject: s\r\n\r\n\xe9 ",
        inner(b"mixed", TEXT),
        inner(b"mixed", TEXT, b"Content-Type: audio/x; name=a.odd\r\n\r\nsound"),
    ],
)
def test_signed_words_tell_nothing(signed: bytes) -> None:
    assert not tells(multipart(KIND, signed, SIGNATURE))


@pytest.mark.parametrize(
    "signed",
    [
        b"User-Agent: x\r\n" + TEXT,
        b"Message-ID: <1@laptop>\r\n" + TEXT,
        b"Content-Type: text/plain; x-mac-type=abc\r\n\r\nwords",
        b"Content-Disposition: inline; modification-date=x\r\n" + TEXT,
        HTML,
        inner(b"mixed", TEXT, HTML),
        inner(
            b"mixed", TEXT, b"Content-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xfe\0\x08secret\xff\xd9"
        ),
        inner(b"mixed", TEXT, b"Content-Type: message/external-body\r\n\r\nx"),
        inner(b"mixed", TEXT, b"Content-Type: message/partial\r\n\r\nx"),
        inner(b"mixed", TEXT, PDF),
        b"\r\n-----BEGIN PGP PRIVATE KEY BLOCK-----\r\n\r\nxQEE",
    ],
)
def test_what_else_is_signed_may_tell(signed: bytes) -> None:
    assert tells(multipart(KIND, signed, SIGNATURE))


def test_part_without_its_signature_is_looked_at_too() -> None:
    assert tells(multipart(KIND, HTML))


def test_certificates_always_tell() -> None:
    signature = b"Content-Type: application/pkcs7-signature\r\n\r\nx"
    assert tells(multipart("signed; protocol=application/pkcs7-signature", TEXT, signature))
    opaque = b"Content-Type: application/pkcs7-mime; smime-type=%s\r\n\r\nx"
    assert tells(opaque % b"signed-data")
    assert not tells(opaque % b"enveloped-data")


def test_look_at_what_is_signed_counts_nothing_else() -> None:
    outcome = sanitise_from_user(multipart(KIND, inner(b"mixed", TEXT, HTML), SIGNATURE), CONTEXT)
    assert outcome.report.counts == {
        "signed part passed to the octet": 1,
        "signed part that tells": 1,
    }
