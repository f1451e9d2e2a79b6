# SPDX-License-Identifier: Apache-2.0
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eepost.seal.broken import SealBroken
from eepost.seal.segments import (
    MIN_PADDED_OCTETS,
    SEGMENT_OCTETS,
    SEGMENT_OVERHEAD_OCTETS,
    SealingKey,
    content_segments,
    open_entry,
    open_segment,
    padded_size,
    seal_entry,
    seal_message,
    segment_count,
)
from tests.seal.chance import chance

KEY = SealingKey(bytes(range(32)))
OTHER_KEY = SealingKey(bytes(32))
NUMBER = 2**63 - 1
LARGE = chance()(2 * SEGMENT_OCTETS + 5000)


def opened(segments: list[bytes], size: int, number: int = NUMBER) -> bytes:
    return b"".join(
        open_segment(KEY, number, at, segment, size) for at, segment in enumerate(segments)
    )


# Sizes.


@given(st.integers(MIN_PADDED_OCTETS, 2**32))
def test_padding_adds_at_most_twelve_percent(size: int) -> None:
    assert size <= padded_size(size) <= size * 1.12


@given(st.integers(0, 2**32))
def test_padding_is_the_same_for_what_was_padded(size: int) -> None:
    assert padded_size(padded_size(size)) == padded_size(size)


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_larger_messages_never_look_smaller(one: int, two: int) -> None:
    assert padded_size(min(one, two)) <= padded_size(max(one, two))


def test_few_sizes_show() -> None:
    shown = {padded_size(size) for size in range(64 * 1024)}
    assert min(shown) == MIN_PADDED_OCTETS
    assert len(shown) <= 1 + 6 * 16


@pytest.mark.parametrize(
    ("size", "segments", "content"),
    [
        (0, 1, 1),
        (SEGMENT_OCTETS, 1, 1),
        (SEGMENT_OCTETS + 1, 2, 2),
        (2 * SEGMENT_OCTETS, 2, 2),
        # From 16 MiB upwards padding alone may fill the last segment.
        (65 * SEGMENT_OCTETS, 66, 65),
    ],
)
def test_segments_are_counted_with_and_without_padding(
    size: int, segments: int, content: int
) -> None:
    assert (segment_count(size), content_segments(size)) == (segments, content)


# There and back.


@given(st.lists(st.binary(max_size=2000), max_size=8))
def test_a_message_comes_back_from_its_one_segment(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    segments, padded = seal_message(KEY, NUMBER, pieces)
    assert padded == padded_size(len(whole))
    assert [len(segment) for segment in segments] == [padded + SEGMENT_OVERHEAD_OCTETS]
    assert opened(segments, len(whole)) == whole


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([0, 1, 7, SEGMENT_OCTETS - 1, SEGMENT_OCTETS, SEGMENT_OCTETS + 1, len(LARGE)]),
    st.lists(st.integers(0, len(LARGE)), max_size=4),
)
def test_a_message_comes_back_however_it_was_cut_into_pieces(start: int, cuts: list[int]) -> None:
    whole = LARGE[start:]
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    view = memoryview(whole)
    pieces = [view[a:b] for a, b in pairwise(edges)]
    segments, padded = seal_message(KEY, NUMBER, pieces)
    assert (segments, padded) == seal_message(KEY, NUMBER, [whole])
    assert len(segments) == segment_count(len(whole))
    assert sum(map(len, segments)) == padded + SEGMENT_OVERHEAD_OCTETS * len(segments)
    assert opened(segments, len(whole)) == whole


def test_a_segment_that_is_all_padding_opens_to_nothing() -> None:
    whole = bytes(65 * SEGMENT_OCTETS)
    segments, _ = seal_message(KEY, NUMBER, [whole])
    assert len(segments) == 66
    assert open_segment(KEY, NUMBER, 65, segments[65], len(whole)) == b""
    assert opened(segments, len(whole)) == whole


def test_equal_messages_sealed_under_other_numbers_have_nothing_in_common() -> None:
    (one,), _ = seal_message(KEY, 1, [b"text"])
    (two,), _ = seal_message(KEY, 2, [b"text"])
    assert sum(a == b for a, b in zip(one, two, strict=True)) < 30


# Nothing can be cut off, moved, swapped or changed.


def test_a_message_cut_off_at_a_segment_does_not_pass_for_a_shorter_one() -> None:
    segments, _ = seal_message(KEY, NUMBER, [LARGE])
    with pytest.raises(SealBroken):
        opened(segments[:2], 2 * SEGMENT_OCTETS)
    with pytest.raises(SealBroken):
        opened(segments[:1], SEGMENT_OCTETS)


def test_a_message_does_not_pass_for_a_longer_one() -> None:
    segments, _ = seal_message(KEY, NUMBER, [LARGE[: 2 * SEGMENT_OCTETS]])
    with pytest.raises(SealBroken):
        opened(segments, len(LARGE))


def test_segments_can_not_be_reordered() -> None:
    segments, _ = seal_message(KEY, NUMBER, [LARGE])
    with pytest.raises(SealBroken):
        opened([segments[1], segments[0], segments[2]], len(LARGE))


def test_segments_can_not_be_swapped_between_messages() -> None:
    segments, _ = seal_message(KEY, NUMBER, [LARGE])
    others, _ = seal_message(KEY, NUMBER - 1, [LARGE])
    with pytest.raises(SealBroken):
        opened([segments[0], others[1], segments[2]], len(LARGE))


@given(st.integers(0, 1023 + SEGMENT_OVERHEAD_OCTETS), st.integers(1, 255))
def test_no_octet_of_a_segment_can_be_changed(at: int, change: int) -> None:
    (segment,), _ = seal_message(KEY, NUMBER, [b"text"])
    changed = bytearray(segment)
    changed[at] ^= change
    with pytest.raises(SealBroken):
        open_segment(KEY, NUMBER, 0, bytes(changed), 4)


@given(st.binary(max_size=100))
def test_noise_is_no_segment_and_no_entry(noise: bytes) -> None:
    with pytest.raises(SealBroken):
        open_segment(KEY, NUMBER, 0, noise, 100)
    with pytest.raises(SealBroken):
        open_entry(KEY, NUMBER, noise)


def test_an_entry_opens_for_its_own_message_and_key_only() -> None:
    entry = seal_entry(KEY, NUMBER, b"entry")
    assert open_entry(KEY, NUMBER, entry) == b"entry"
    for key, number in ((KEY, NUMBER - 1), (OTHER_KEY, NUMBER)):
        with pytest.raises(SealBroken):
            open_entry(key, number, entry)


def test_an_entry_is_no_segment() -> None:
    with pytest.raises(SealBroken):
        open_segment(KEY, NUMBER, 0xFFFF_FFFF, seal_entry(KEY, NUMBER, b"entry"), 2**40)


def test_a_sealing_key_has_32_octets_and_is_hidden_in_its_repr() -> None:
    assert repr(KEY) == "SealingKey(hidden)"
    with pytest.raises(ValueError, match="32 bytes"):
        SealingKey(bytes(31))
