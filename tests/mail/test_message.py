# SPDX-License-Identifier: Apache-2.0
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.message import Bounds, Part, split_message
from eepost.mail.violation import PeerViolation
from tests.sanitise.corpus import real_messages

PIECES = [
    *(b"\r\n", b"--", b"x", b"xy", b"--x", b"--x--", b"--xy", b" ", b"\r", b"\n"),
    *(b"Content-Type: multipart/mixed; boundary=x\r\n", b"Content-Type: message/rfc822\r\n"),
    *(b"Content-Type: multipart/digest; boundary=xy\r\n", b"To: a\r\n"),
]
OCTETS = st.lists(st.sampled_from(PIECES)).map(b"".join)


def joined(message: bytes, part: Part) -> bytes:
    return b"".join(message[start:end] for start, end in part.spans())


def bodies(message: bytes) -> list[bytes]:
    return [
        message[part.body_start : part.end]
        for part in split_message(message).walk()
        if not part.children
    ]


def multipart(body: bytes, boundary: bytes = b"x") -> bytes:
    return b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"pre\r\n--x\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x--\r\npost", [b"one", b"two"]),
        (b"--x\r\n\r\none\r\n\r\n--x--", [b"one\r\n"]),
        (b"--x \t\r\n\r\none\r\n--x-- \r\n", [b"one"]),
        (b"--x\r\n\r\none\r\n--xy\r\n--x--", [b"one\r\n--xy"]),
        (b"--x\r\n\r\none --x\r\n--x--", [b"one --x"]),
        (b"--x\r\n\r\nnever closed\r\n", [b"never closed\r\n"]),
        (b"--x\r\n--x\r\n\r\ntwo\r\n--x--", [b"", b"two"]),
        (b"--x", [b""]),
        (b"--x--\r\n", [b"--x--\r\n"]),
        (b"no delimiter", [b"no delimiter"]),
    ],
)
def test_parts_stand_between_delimiter_lines(body: bytes, parts: list[bytes]) -> None:
    assert bodies(multipart(body)) == parts


def test_multipart_without_boundary_has_no_parts() -> None:
    assert bodies(b"Content-Type: multipart/mixed\r\n\r\n--x\r\n") == [b"--x\r\n"]


def test_inner_delimiters_do_not_end_outer_parts() -> None:
    inner = (
        b"--x\r\n" + multipart(b"--y\r\n\r\na\r\n--y--\r\n", b"y") + b"\r\n--x\r\n\r\nb\r\n--x--"
    )
    assert bodies(multipart(inner)) == [b"a", b"b"]


def test_message_in_a_message_is_split_too() -> None:
    message = b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody"
    (inner,) = split_message(message).children
    assert inner.raw(b"subject") == b" in\r\n"
    assert inner.raw(b"to") is None
    assert bodies(message) == [b"body"]


def test_encoded_message_in_a_message_is_left_whole() -> None:
    message = (
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: Base64\r\n\r\nVG86IHgNCg=="
    )
    root = split_message(message)
    assert root.children == ()
    assert root.transfer_encoding == b"base64"


def test_parts_of_a_digest_are_messages() -> None:
    message = (
        b"Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\nSubject: a\r\n\r\nb\r\n--x--"
    )
    assert bodies(message) == [b"b"]


@pytest.mark.parametrize("value", [b"text", b"/plain", b"text/", b""])
def test_what_is_no_type_is_text(value: bytes) -> None:
    part = split_message(b"Content-Type: " + value + b"; charset=utf-8\r\n\r\n")
    assert part.content_type.value == "text/plain"
    assert part.content_type.get("charset") == "utf-8"
    assert part.main_type == "text"


def test_too_deep_nesting_is_refused() -> None:
    message = b"Content-Type: message/rfc822\r\n\r\n" * 4
    split_message(message, Bounds(depth=5))
    with pytest.raises(PeerViolation):
        split_message(message, Bounds(depth=4))


def test_too_many_parts_are_refused() -> None:
    message = multipart(b"--x\r\n\r\n\r\n" * 10)
    split_message(message, Bounds(parts=11))
    for bound in (10, 9, 5):
        with pytest.raises(PeerViolation):
            split_message(message, Bounds(parts=bound))


def test_header_of_a_part_is_bounded_too() -> None:
    with pytest.raises(PeerViolation):
        split_message(multipart(b"--x\r\nA: " + b"a" * 100), Bounds(header_octets=90))


@given(OCTETS)
def test_nothing_is_lost_whatever_the_octets(message: bytes) -> None:
    assert joined(message, split_message(message)) == message


@given(st.binary())
def test_noise_gives_a_tree_or_a_violation(message: bytes) -> None:
    with contextlib.suppress(PeerViolation):
        assert joined(message, split_message(message)) == message


def test_real_messages_lose_nothing() -> None:
    for message in real_messages():
        tree = split_message(message.octets)
        assert joined(message.octets, tree) == message.octets, message.name
