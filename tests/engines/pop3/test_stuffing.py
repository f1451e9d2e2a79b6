# SPDX-License-Identifier: Apache-2.0
import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from eepost.wire.stuffing import DotStuffer, TopCut

FRAGMENTS = [b".", b"..", b"\r\n", b"\r\n.", b"a", b"line of text\r\n"]
CRLF_ONLY = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map(b"".join)
HOSTILE = st.lists(st.sampled_from([*FRAGMENTS, b"\r", b"\n"]), max_size=30).map(b"".join)
CUTS = st.lists(st.integers(0, 200), max_size=8)


def chunks(octets: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({0, *(cut for cut in cuts if cut < len(octets)), len(octets)})
    return [octets[a:b] for a, b in itertools.pairwise(at)]


def stuffed(pieces: list[bytes]) -> bytes:
    stuffer = DotStuffer()
    return b"".join([stuffer.stuff(piece) for piece in pieces]) + stuffer.end()


def unstuffed(octets: bytes) -> bytes:
    """Read as RFC 1939 3 says; nothing may follow the end."""
    lines = octets.split(b"\r\n")
    end = lines.index(b".")
    assert lines[end + 1 :] == [b""]
    return b"".join([line.removeprefix(b".") + b"\r\n" for line in lines[:end]])


@given(CRLF_ONLY, CUTS)
@example(b".", [])
@example(b"", [])
@example(b"a\r\n.\r\n", [3])
@example(b"a\r\n.\r\n", [2, 3])
def test_strict_client_reads_what_was_stored(octets: bytes, cuts: list[int]) -> None:
    stored = octets if octets.endswith(b"\r\n") or not octets else octets + b"\r\n"
    assert unstuffed(stuffed(chunks(octets, cuts))) == stored


@given(HOSTILE, CUTS)
def test_cutting_into_chunks_changes_nothing(octets: bytes, cuts: list[int]) -> None:
    singles = [octets[i : i + 1] for i in range(len(octets))]
    assert stuffed([octets]) == stuffed(chunks(octets, cuts)) == stuffed(singles)


def test_message_that_ends_in_a_bare_line_feed_gets_a_line_end() -> None:
    assert stuffed([b"a\n"]) == b"a\n\r\n.\r\n"
    assert stuffed([b"a\r"]) == b"a\r\r\n.\r\n"


@given(HOSTILE, HOSTILE)
def test_one_message_leaves_no_trace_in_the_next(first: bytes, second: bytes) -> None:
    stuffer = DotStuffer()
    stuffer.stuff(first)
    stuffer.end()
    assert stuffer.stuff(second) + stuffer.end() == stuffed([second])


def test_dot_after_a_bare_line_feed_is_doubled() -> None:
    assert stuffed([b"a\n.\n.b"]) == b"a\n..\n..b\r\n.\r\n"


def test_message_without_dots_at_line_beginnings_is_not_copied() -> None:
    octets = b"no dots. At line beginnings.\r\n" * 100
    assert DotStuffer().stuff(octets) is octets


def top(octets: bytes, body_lines: int) -> bytes:
    """The plain reading of RFC 1939 7: header, empty line, lines."""
    lines = octets.splitlines(keepends=True)
    header = lines.index(b"\r\n") + 1 if b"\r\n" in lines else len(lines)
    return b"".join(lines[: header + body_lines])


def cut(pieces: list[bytes], body_lines: int) -> bytes:
    cutter = TopCut(body_lines)
    return b"".join([cutter.cut(piece) for piece in pieces])


@given(CRLF_ONLY, CUTS, st.integers(0, 8))
@example(b"\r\na\r\nb\r\n", [1], 1)
@example(b"A\r\n\r\na\r\nb\r\n", [1, 2, 3, 4, 5], 1)
def test_top_is_header_empty_line_and_lines(octets: bytes, cuts: list[int], lines: int) -> None:
    singles = [octets[i : i + 1] for i in range(len(octets))]
    wanted = top(octets, lines)
    assert cut([octets], lines) == cut(chunks(octets, cuts), lines) == cut(singles, lines) == wanted


def test_top_of_many_lines_counts_across_blocks() -> None:
    body = b"".join(b"line %d\r\n" % number for number in range(10_000))
    for lines in (0, 1, 455, 456, 457, 4_096, 9_999, 10_000, 10_001):
        assert cut([b"A: 1\r\n\r\n" + body], lines) == top(b"A: 1\r\n\r\n" + body, lines)


def test_top_is_complete_with_its_last_line_and_lets_nothing_pass_then() -> None:
    cutter = TopCut(1)
    assert cutter.cut(b"A: 1\r\n\r\n") == b"A: 1\r\n\r\n"
    assert not cutter.is_complete
    assert cutter.cut(b"one\r\ntwo") == b"one\r\n"
    assert cutter.is_complete
    assert cutter.cut(b"more\r\n") == b""
