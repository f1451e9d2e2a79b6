# SPDX-License-Identifier: Apache-2.0
import os

from eepost.queue.retry import RetryPlan
from tests.queue.samples import least, most

PLAN = RetryPlan()


def test_gaps_grow_and_the_last_repeats() -> None:
    gaps = [PLAN.gap(attempt, least) for attempt in range(1, 12)]
    assert gaps == sorted(gaps)
    assert gaps[0] == 300
    assert gaps[-4:] == [14_400] * 4


def test_what_failed_together_does_not_come_back_together() -> None:
    gaps = {PLAN.gap(3, os.urandom) for _ in range(200)}
    assert len(gaps) > 50
    assert all(1_200 <= gap <= 1_440 for gap in gaps)
    assert PLAN.gap(3, most) in {1_439, 1_440}


def test_the_longest_wait_bounds_them_all() -> None:
    assert PLAN.longest_seconds == 17_280
    assert max(PLAN.gap(20, most), PLAN.cut(most)) <= PLAN.longest_seconds
    patient = RetryPlan(gaps_seconds=(60,), cut_seconds=900)
    assert patient.longest_seconds == 1_080
