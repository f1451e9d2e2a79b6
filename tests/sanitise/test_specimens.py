# SPDX-License-Identifier: Apache-2.0
from base64 import encodebytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.violation import PeerViolation
from eepost.sanitise.specimens import AS_MAIL, specimens

HEADER = b"From: a@mail.i2p\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n"
FILE = b"Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\n" + (
    encodebytes(b"\0octets").replace(b"\n", b"\r\n")
)


def multipart(*parts: bytes, kind: bytes = b"mixed", boundary: bytes = b"b") -> bytes:
    inside = b"".join(b"--%s\r\n%s\r\n" % (boundary, each) for each in parts)
    head = b"Content-Type: multipart/%s; boundary=%s\r\n\r\n" % (kind, boundary)
    return head + inside + b"--%s--\r\n" % boundary


@pytest.mark.parametrize("encoding", [b"", b"7bit", b"8bit", b"Binary"])
def test_text_as_it_stands_is_looked_at_as_one_mail(encoding: bytes) -> None:
    field = b"Content-Transfer-Encoding: %s\r\n" % encoding if encoding else b""
    assert specimens([HEADER, field + TEXT]) == [AS_MAIL + HEADER + field + TEXT]


def test_pieces_are_joined_whatever_they_are() -> None:
    message = HEADER + TEXT
    pieces: list[bytes | memoryview] = [message[:5], memoryview(message)[5:20], b"", message[20:]]
    assert specimens(pieces) == [AS_MAIL + message]


def test_every_part_is_looked_at_decoded() -> None:
    message = HEADER + multipart(TEXT, FILE)
    assert specimens([message]) == [AS_MAIL + message, b"Hello\r\n", b"\0octets"]


@pytest.mark.parametrize(
    "encoded",
    [
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n",
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nHel=6Co",
        b"Content-Type: application/x\r\n\r\nHello",
    ],
)
def test_single_part_that_is_not_text_as_it_stands_is_looked_at_decoded(encoded: bytes) -> None:
    assert specimens([HEADER, encoded]) == [AS_MAIL + HEADER + encoded, b"Hello"]


@pytest.mark.parametrize("kind", [b"signed", b"encrypted", b"related", b"alternative", b"digest"])
def test_parts_of_every_kind_of_multipart_are_looked_at(kind: bytes) -> None:
    assert specimens([HEADER, multipart(FILE, TEXT, kind=kind)])[1:] == [b"\0octets", b"Hello\r\n"]


def test_parts_of_a_message_inside_are_looked_at() -> None:
    inside = b"Content-Type: message/rfc822\r\n\r\nGIF89a: x\r\n" + FILE
    assert specimens([HEADER, multipart(TEXT, inside)])[1:] == [b"Hello\r\n", b"\0octets"]


def test_message_that_came_encoded_is_looked_at_as_a_mail() -> None:
    inside = b"GIF89a: x\r\n" + FILE
    part = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    found = specimens([HEADER, part + encodebytes(inside).replace(b"\n", b"\r\n")])
    assert found[1:] == [AS_MAIL + inside]


def test_more_parts_than_any_sanitiser_lets_through_are_not_looked_at() -> None:
    with pytest.raises(PeerViolation):
        specimens([HEADER, multipart(*[TEXT] * 2_000)])
    assert len(specimens([HEADER, multipart(*[TEXT] * 1_000)])) == 1_001


@given(st.binary(max_size=600), st.lists(st.binary(max_size=200), max_size=5))
def test_any_octets_give_the_whole_mail_first_or_a_violation(
    top: bytes, parts: list[bytes]
) -> None:
    for message in (top, HEADER + multipart(top, *parts), HEADER + FILE + top):
        try:
            found = specimens([message])
        except PeerViolation:
            continue
        assert found[0] == AS_MAIL + message


@given(st.binary(min_size=1, max_size=300), st.integers(0, 4))
def test_content_of_an_encoded_part_is_among_the_specimens_however_deep(
    content: bytes, depth: int
) -> None:
    encoded = encodebytes(content).replace(b"\n", b"\r\n")
    part = b"Content-Type: image/x\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded
    for layer in range(depth):
        part = multipart(TEXT, part, boundary=b"b%d" % layer)
    assert content in specimens([HEADER, part])
