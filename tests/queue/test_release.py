# SPDX-License-Identifier: Apache-2.0
import os
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from eepost.queue.release import (
    BATCH_MINUTES,
    Departure,
    batch_left,
    departs_at,
    minute_of,
    next_batch,
)
from tests.queue.samples import NOON, NOON_MINUTE, least, most

INSTANTS = st.floats(0, 4e9)
MINUTES = st.integers(0, 70_000_000)


def test_mail_that_is_not_delayed_leaves_in_the_minute_of_its_acceptance() -> None:
    assert departs_at(Departure.AT_ONCE, NOON + 59.9, 0, least) == NOON_MINUTE


@given(INSTANTS)
def test_deferred_mail_leaves_between_2000_and_4000_seconds_later(now: float) -> None:
    for draw in (least, most, os.urandom):
        wait = departs_at(Departure.DEFERRED, now, 0, draw) * 60 - now
        assert 2000 <= wait <= 4000


def test_each_deferred_message_draws_its_own_time() -> None:
    drawn = {departs_at(Departure.DEFERRED, NOON, 0, os.urandom) for _ in range(500)}
    assert len(drawn) == 33  # every minute between
    assert min(drawn) == departs_at(Departure.DEFERRED, NOON, 0, least)


@given(INSTANTS)
def test_a_batch_leaves_at_midnight_or_noon_strictly_later(now: float) -> None:
    minute = departs_at(Departure.BATCHED, now, 0, least)
    assert minute * 60 > now
    assert minute - minute_of(now) <= BATCH_MINUTES
    assert datetime.fromtimestamp(minute * 60, UTC).strftime("%H:%M") in {"00:00", "12:00"}


def test_mail_of_the_very_instant_of_a_batch_goes_with_the_next() -> None:
    assert departs_at(Departure.BATCHED, NOON, 0, least) == NOON_MINUTE + BATCH_MINUTES


def test_a_batch_that_has_left_does_not_leave_again_when_the_clock_is_set_back() -> None:
    before = NOON_MINUTE - 5
    assert next_batch(before, 0) == NOON_MINUTE
    assert next_batch(before, NOON_MINUTE) == NOON_MINUTE + BATCH_MINUTES
    assert next_batch(before - BATCH_MINUTES, NOON_MINUTE) == NOON_MINUTE + BATCH_MINUTES


def test_a_clock_that_was_years_ahead_once_keeps_no_mail_back() -> None:
    assert next_batch(NOON_MINUTE - 5, NOON_MINUTE + 5_000_000) == NOON_MINUTE


@given(MINUTES, MINUTES)
def test_the_next_batch_is_never_far(now: int, last: int) -> None:
    assert now < next_batch(now, last) <= now + 3 * BATCH_MINUTES


@given(MINUTES)
def test_the_last_batch_is_the_one_before_the_next(now: int) -> None:
    assert batch_left(now, 0) + BATCH_MINUTES == next_batch(now, 0)


def test_a_batch_has_left_also_when_the_clock_is_set_back_behind_it() -> None:
    assert batch_left(NOON_MINUTE, NOON_MINUTE - BATCH_MINUTES) == NOON_MINUTE
    assert batch_left(NOON_MINUTE - 1, NOON_MINUTE) == NOON_MINUTE
    assert batch_left(NOON_MINUTE, NOON_MINUTE + 5_000_000) == NOON_MINUTE


@given(MINUTES, st.lists(st.integers(-1_400, 1_400)))
def test_no_batch_leaves_twice_whatever_a_clock_does_that_is_wrong_by_a_day(
    now: int, jumps: list[int]
) -> None:
    last, left = 0, set[int]()
    waiting: set[int] = set()
    highest = now
    for jump in jumps:
        now = max(0, now + jump)
        if now < highest - 1_440:
            continue  # beyond what is remembered
        highest = max(highest, now)
        due = {each for each in waiting if each <= now}
        last = batch_left(now, last)
        assert not due & left
        left |= due
        waiting = waiting - due | {next_batch(now, last)}
