# SPDX-License-Identifier: Apache-2.0
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.wire.dots import DotDecoder

OCTETS = st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"x"])).map(b"".join)
LINES = st.lists(st.sampled_from([b".", b"..", b"x", b".x", b"", b"x."]))


def decode(chunks: list[bytes]) -> tuple[bytes, bool, bytes]:
    """Feed the chunks until the message is complete; return content, completeness and the rest."""
    decoder = DotDecoder()
    content = b""
    for at, chunk in enumerate(chunks):
        content += decoder.decode(chunk)
        if decoder.is_complete:
            return content, True, decoder.rest + b"".join(chunks[at + 1 :])
    return content, False, b""


@pytest.mark.parametrize(
    ("octets", "content", "rest"),
    [
        (b".\r\n", b"", b""),
        (b".\r\nQUIT\r\n", b"", b"QUIT\r\n"),
        (b"one\r\n.\r\nQUIT\r\n", b"one\r\n", b"QUIT\r\n"),
        (b"..\r\n.\r\n", b".\r\n", b""),
        (b".x\r\n.\r\n", b"x\r\n", b""),
        (b"\r\n.\r\n", b"\r\n", b""),
        (b"\r\n\r\n.\r\n.\r\n", b"\r\n\r\n", b".\r\n"),
        (b"..\r\n..\r\n\r\n.\r\n", b".\r\n.\r\n\r\n", b""),
    ],
)
def test_message_ends_at_a_line_with_only_a_dot(octets: bytes, content: bytes, rest: bytes) -> None:
    assert decode([octets]) == (content, True, rest)


@pytest.mark.parametrize(
    "octets", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"x.\r\n", b".", b".\r", b""]
)
def test_second_dot_does_not_end_data(octets: bytes) -> None:
    assert not decode([octets])[1]


def test_bare_line_ends_are_left_as_they_are() -> None:
    assert decode([b"\n.\n\r.\r.\r\n.\r\n"])[0] == b"\n.\n\r.\r.\r\n"


@given(OCTETS, st.lists(st.integers(0, 60)))
def test_cutting_changes_nothing(octets: bytes, cuts: list[int]) -> None:
    at = sorted({0, *(cut for cut in cuts if cut < len(octets)), len(octets)})
    chunks = [octets[a:b] for a, b in itertools.pairwise(at)]
    singles = [octets[i : i + 1] for i in range(len(octets))]
    assert decode([octets]) == decode(chunks) == decode(singles)


@given(OCTETS)
def test_no_line_end_is_cut_in_two(octets: bytes) -> None:
    decoder = DotDecoder()
    before = b""
    for at in range(len(octets)):
        content = decoder.decode(octets[at : at + 1])
        assert not (before.endswith(b"\r") and content.startswith(b"\n"))
        before = content or before
        if decoder.is_complete:
            break


@given(LINES)
def test_what_was_stuffed_line_by_line_comes_back(lines: list[bytes]) -> None:
    """The reference takes lines one by one, as RFC 5321 4.5.2 tells it."""
    stuffed = b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)
    assert decode([stuffed + b".\r\nREST"]) == (
        b"".join(line + b"\r\n" for line in lines),
        True,
        b"REST",
    )
