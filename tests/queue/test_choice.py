# SPDX-License-Identifier: Apache-2.0
import os
from collections import Counter

from eepost.queue.choice import LONGEST_PAUSE_SECONDS, PassedOver, preference

THREE = ["amber", "birch", "cedar"]


def test_items_spread_evenly_over_the_gateways() -> None:
    first = Counter(preference(os.urandom(32), THREE, None)[0] for _ in range(3_000))
    assert all(850 < first[each] < 1_150 for each in THREE)


def test_an_item_keeps_its_order_also_after_a_crash() -> None:
    key = os.urandom(32)
    order = preference(key, THREE, None)
    assert preference(key, THREE[::-1], None) == order
    assert preference(key, order[1:], None) == order[1:]


def test_the_gateway_of_the_last_attempt_comes_first_while_it_works() -> None:
    key = os.urandom(32)
    order = preference(key, THREE, None)
    assert preference(key, THREE, order[2]) == [order[2], *order[:2]]
    assert preference(key, order[:2], order[2]) == order[:2]


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_failing_gateway_is_passed_over_for_longer_each_time() -> None:
    clock = Clock()
    passed_over = PassedOver(clock)
    pauses = []
    for _ in range(8):
        passed_over.failed("amber")
        passed_over.failed("amber")  # another message on the same link
        assert passed_over.usable(THREE) == ["birch", "cedar"]
        start = clock.now
        while "amber" not in passed_over.usable(THREE):
            clock.now += 1
        pauses.append(clock.now - start)
    assert pauses == [15, 30, 60, 120, 240, 480, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]


def test_a_gateway_that_works_again_has_a_clean_slate() -> None:
    clock = Clock()
    passed_over = PassedOver(clock)
    for _ in range(3):
        passed_over.failed("amber")
        clock.now += LONGEST_PAUSE_SECONDS
    passed_over.worked("amber")
    passed_over.failed("amber")
    clock.now += 15
    assert passed_over.usable(THREE) == THREE


def test_a_gateway_that_was_removed_is_forgotten() -> None:
    passed_over = PassedOver(Clock())
    passed_over.failed("amber")
    assert passed_over.usable(["birch"]) == ["birch"]
    assert passed_over.usable(THREE) == THREE
