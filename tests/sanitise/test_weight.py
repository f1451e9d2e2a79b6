# SPDX-License-Identifier: Apache-2.0
import pytest

from eepost.sanitise.cleaner import CleaningFailed, Why
from eepost.sanitise.weight import MAX_LIGHT_HEADER_OCTETS, MAX_LIGHT_OCTETS, is_light

BODY = b"\r\n\r\nHello\r\n"


@pytest.mark.parametrize(
    "header",
    [
        b"Subject: x",
        b"Content-Type: text/plain",
        b"content-type:text/plain;charset=utf-8",
        b"Subject: x\r\nCONTENT-TYPE : Text/Plain; format=flowed\r\nTo: b",
        b"Content-Type:\r\n\ttext/plain; charset=us-ascii",
        b"Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain",
    ],
)
def test_plain_text_is_light(header: bytes) -> None:
    assert is_light(header + BODY)
    assert is_light(bytearray(header + BODY))


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Type: text/html",
        b"Content-Type: text/plainer",
        b"Content-Type: multipart/mixed; boundary=x",
        b"Content-Type: text/plain\r\nContent-Type: text/html",
        b"Content-Type: text/plain\r\nContent-Disposition: attachment",
        b"Content-Type: text/plain; name=x.pdf",
        b"Content-Type: text/plain; name*=x.pdf",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64",
        b"Content-Type: (a comment) text/plain",
        b"X-Content-Type: text/plain\r\nSubject: x",
        b"Content-Type:\r\n\r\n text/plain",
    ],
)
def test_all_else_is_heavy(header: bytes) -> None:
    assert not is_light(header + BODY)


def test_header_without_end_is_heavy() -> None:
    assert not is_light(b"Content-Type: text/plain\r\n")


def test_long_header_is_heavy() -> None:
    assert not is_light(b"Subject: " + b"x" * MAX_LIGHT_HEADER_OCTETS + BODY)


def test_armor_is_heavy() -> None:
    assert not is_light(b"Subject: x" + BODY + b"-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n")


def test_size_decides() -> None:
    most = b"Subject: x\r\n\r\n".ljust(MAX_LIGHT_OCTETS, b"x")
    assert is_light(most)
    assert not is_light(most + b"x")


def test_failure_to_clean_says_why() -> None:
    assert CleaningFailed(Why.TIME).why is Why.TIME
