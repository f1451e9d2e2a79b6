# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.header import MAX_FIELDS, Header, split_header
from eepost.mail.violation import PeerViolation

PIECES = [
    b"\r\n",
    b"\r",
    b"\n",
    b" ",
    b"\t",
    b":",
    b"From ",
    b">",
    b"Subject",
    b"a",
    b"\xff",
    b"\0",
]
OCTETS = st.lists(st.sampled_from(PIECES)).map(b"".join)


def joined(message: bytes, header: Header) -> bytes:
    head = header.mbox_line + b"".join(b"".join(field) for field in header.fields)
    empty_line = b"\r\n" if header.body_start == len(head) + 2 else b""
    return head + empty_line + message[header.body_start :]


def names_and_body(message: bytes) -> tuple[list[bytes], bytes]:
    header = split_header(message)
    return [name for name, _, _ in header.fields], message[header.body_start :]


def test_fields_keep_their_octets() -> None:
    message = b"Subject : one\r\n two\r\nTo:x\r\n\r\nbody\r\n"
    assert split_header(message).fields == [
        (b"Subject", b" :", b" one\r\n two\r\n"),
        (b"To", b":", b"x\r\n"),
    ]


@pytest.mark.parametrize(
    ("message", "names", "body"),
    [
        (b"", [], b""),
        (b"\r\n", [], b""),
        (b"\r\nTo: x\r\n", [], b"To: x\r\n"),
        (b"no header at all\r\n\r\nTo: x", [], b"no header at all\r\n\r\nTo: x"),
        (b"To: x", [b"To"], b""),
        (b"To: x\r\n", [b"To"], b""),
        (b"To: x\r\nno field\r\nCc: y\r\n\r\nb", [b"To"], b"no field\r\nCc: y\r\n\r\nb"),
        (b"To: x\r\n y\r\n\r\nb", [b"To"], b"b"),
        (b"To: x\r\n \r\n\r\nb", [b"To"], b"b"),
        (b"From me Mon Nov 23\r\nTo: x\r\n\r\nb", [b"To"], b"b"),
        (b">From me\r\nTo: x\r\n\r\nb", [b"To"], b"b"),
        (b"To: x\nCc: y\r\n\r\nb", [], b"To: x\nCc: y\r\n\r\nb"),
    ],
)
def test_body_begins_after_the_last_field(message: bytes, names: list[bytes], body: bytes) -> None:
    assert names_and_body(message) == (names, body)


@given(OCTETS)
def test_nothing_is_lost_whatever_the_octets(message: bytes) -> None:
    assert joined(message, split_header(message)) == message


@given(OCTETS, st.sampled_from([bytearray, memoryview]))
def test_kind_of_buffer_makes_no_difference(
    message: bytes, buffer: type[bytearray] | type[memoryview]
) -> None:
    header = split_header(message)
    other = split_header(buffer(message))
    assert (header.body_start, [tuple(map(bytes, each)) for each in other.fields]) == (
        other.body_start,
        header.fields,
    )


def test_header_of_exactly_the_limit_passes_and_one_octet_more_does_not() -> None:
    message = b"To: " + b"x" * 14 + b"\r\n\r\nbody"
    assert names_and_body(message) == ([b"To"], b"body")
    assert split_header(message, 20).body_start == 22
    with pytest.raises(PeerViolation):
        split_header(message, 19)


def test_field_without_end_does_not_pass_the_limit() -> None:
    with pytest.raises(PeerViolation):
        split_header(b"To: " + b"x" * 100, 50)


def test_too_many_fields_are_refused() -> None:
    split_header(b"A:\r\n" * MAX_FIELDS)
    with pytest.raises(PeerViolation):
        split_header(b"A:\r\n" * (MAX_FIELDS + 1))
