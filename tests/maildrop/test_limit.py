# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.maildrop.limit import DEFAULT_LIMIT_OCTETS, crossed
from eepost.maildrop.model import Usage


@pytest.mark.parametrize(
    ("before", "after", "level"),
    [
        (0, 799, None),
        (0, 800, 80),
        (799, 800, 80),
        (799, 949, 80),
        (800, 949, None),
        (949, 950, 95),
        (0, 1000, 95),
        (950, 1000, None),
        (1000, 0, None),
        (900, 810, None),
    ],
)
def test_a_level_is_crossed_on_the_way_up_only(before: int, after: int, level: int | None) -> None:
    assert crossed(before, after, 1000) == level


@given(st.lists(st.integers(0, 400), max_size=30))
def test_filling_a_maildrop_crosses_each_level_once_at_most(sizes: list[int]) -> None:
    told, filled = [], 0
    for size in sizes:
        if filled + size > 1000:
            break
        told.append(crossed(filled, filled + size, 1000))
        filled += size
    levels = [level for level in told if level]
    assert levels == sorted(set(levels))
    assert (filled >= 800) == bool(levels)


def test_a_maildrop_without_any_room_crosses_nothing() -> None:
    assert crossed(0, 0, 0) is None


def test_a_maildrop_is_full_when_nothing_more_goes_in() -> None:
    assert DEFAULT_LIMIT_OCTETS == 50_000_000
    assert not Usage(1, 9, 10).is_full
    assert Usage(1, 10, 10).is_full
    assert Usage(1, 11, 10).is_full
