# SPDX-License-Identifier: Apache-2.0
import itertools

from hypothesis import given
from hypothesis import strategies as st

from eepost.wire.lines import BadLine, LineBuffer

LIMIT = 10
OCTETS = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"bcd"])).map(b"".join)


def lines(chunks: list[bytes]) -> list[bytes | BadLine]:
    buffer = LineBuffer()
    found: list[bytes | BadLine] = []
    for chunk in chunks:
        buffer.feed(chunk)
        while (line := buffer.take_line(LIMIT)) is not None:
            found.append(line)
    return found


def test_only_crlf_ends_a_line() -> None:
    assert lines([b"one\r\ntwo\nthree\r\nfour\rfive\r\nsix\r\n"]) == [
        b"one",
        BadLine.BARE_CR_OR_LF,
        BadLine.BARE_CR_OR_LF,
        b"six",
    ]


def test_bare_line_feed_is_reported_before_the_line_ends() -> None:
    assert lines([b"QUIT\n"]) == [BadLine.BARE_CR_OR_LF]


def test_line_of_exactly_the_limit_passes_and_one_octet_more_does_not() -> None:
    assert lines([b"12345678\r\n"]) == [b"12345678"]
    assert lines([b"123456789\r\nok\r\n"]) == [BadLine.TOO_LONG, b"ok"]


def test_endless_line_keeps_no_octets() -> None:
    buffer = LineBuffer()
    for _ in range(1000):
        buffer.feed(b"x" * 100)
        buffer.take_line(LIMIT)
        assert len(buffer) <= 1


def test_octets_are_taken_as_they_are() -> None:
    buffer = LineBuffer()
    buffer.feed(b"a\nb\r\nc")
    assert [buffer.take(2), buffer.take(0), buffer.take(3), buffer.take(9)] == [
        b"a\n",
        b"",
        b"b\r\n",
        b"c",
    ]
    assert len(buffer) == 0


def test_beginning_of_a_line_is_seen_in_any_case_and_not_in_what_is_thrown_away() -> None:
    buffer = LineBuffer()
    buffer.feed(b"auth")
    assert not buffer.begins_with(b"AUTH ")
    buffer.feed(b" plain\r\n")
    assert buffer.begins_with(b"AUTH ")
    buffer.take_line(100)
    buffer.feed(b"x\n")
    assert buffer.take_line(100) is BadLine.BARE_CR_OR_LF
    buffer.feed(b"AUTH no\r\nNOOP\r\n")
    assert not buffer.begins_with(b"AUTH ")
    assert buffer.begins_with(b"NOOP")


@given(OCTETS, st.lists(st.integers(0, 60)))
def test_chunking_changes_nothing(octets: bytes, cuts: list[int]) -> None:
    at = sorted({0, *(cut for cut in cuts if cut < len(octets)), len(octets)})
    chunks = [octets[a:b] for a, b in itertools.pairwise(at)]
    singles = [octets[i : i + 1] for i in range(len(octets))]
    assert lines([octets]) == lines(chunks) == lines(singles)
