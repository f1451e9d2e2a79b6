# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest

from eepost.mail.envelope import Notify
from eepost.queue.item import Item, State
from eepost.queue.lifecycle import (
    CANCELLED,
    TIME_EXPIRED,
    Conclusion,
    begin,
    conclude,
    give_up,
    hold,
    postpone,
    release,
    replan,
    report,
    retry,
    told,
    unreported,
    untold,
)
from eepost.queue.release import BATCH_MINUTES, Departure
from eepost.queue.retry import RetryPlan
from eepost.wire.transfer.messages import Fate
from tests.queue.samples import NOON, NOON_MINUTE, forward, item, least

PLAN = RetryPlan()
D, L, F = Fate.DELIVERED, Fate.DEFERRED, Fate.FAILED
STATUS = {D: "2.0.0", L: "4.2.1", F: "5.1.1"}


def attempt(each: Item, *fates: Fate | None, now: float = NOON) -> Conclusion:
    """One attempt in which those who wait get these fates; None: the link was cut before."""
    each = begin(each)
    for at, fate in zip(unreported(each), fates, strict=False):
        if fate is not None:
            each = report(each, at, fate, STATUS[fate])
    return conclude(each, now, PLAN, least)


def states(each: Item) -> list[str]:
    return [forward.state.value for forward in each.forwards]


def test_delivered_to_all_is_over_without_a_word() -> None:
    end = attempt(item(forward("a"), forward("b")), D, D)
    assert (end.is_over, end.told) == (True, ())
    assert states(end.item) == ["delivered", "delivered"]


def test_each_recipient_has_a_fate_of_its_own() -> None:
    end = attempt(item(*map(forward, "abc")), D, F, L)
    assert not end.is_over
    assert states(end.item) == ["delivered", "failed", "waiting"]
    assert [each.status for each in end.item.forwards] == ["2.0.0", "5.1.1", "4.2.1"]


def test_next_attempt_is_for_those_who_wait() -> None:
    first = attempt(item(*map(forward, "abc")), D, L, L).item
    assert unreported(begin(first)) == (1, 2)
    assert begin(first).attempt == 2


def test_waits_grow_as_planned_and_are_whole_minutes() -> None:
    each, waits = item(), []
    for _ in range(4):
        each = attempt(each, L).item
        waits.append((each.due - NOON_MINUTE) * 60)
    assert waits == [300, 600, 1_200, 2_400]
    assert attempt(item(), L, now=NOON + 1).item.due == NOON_MINUTE + 6


def test_a_cut_attempt_goes_on_with_those_who_were_not_reported() -> None:
    cut = attempt(item(*map(forward, "abc")), D, None, None)
    assert (cut.is_over, cut.told) == (False, ())
    again = begin(cut.item)
    assert again.attempt == 1
    assert unreported(again) == (1, 2)
    assert cut.item.due == NOON_MINUTE + 5


def test_the_deferred_of_a_cut_attempt_wait_for_the_next() -> None:
    cut = attempt(item(*map(forward, "abc")), L, None, None).item
    assert unreported(begin(cut)) == (1, 2)
    done = attempt(cut, D, D).item
    assert unreported(begin(done)) == (0,)


def test_a_second_word_on_a_recipient_changes_nothing() -> None:
    each = report(begin(item()), 0, L, "4.2.1")
    assert report(each, 0, D, "2.0.0") == each
    over = report(begin(item()), 0, D, "2.0.0")
    assert report(replace(over, attempt=9), 0, F, "5.0.0") == replace(over, attempt=9)


@pytest.mark.parametrize(
    ("fate", "status", "kept"),
    [
        (D, "2.1.5", "2.1.5"),
        (D, "5.1.1", "2.0.0"),
        (L, "4.7.1", "4.7.1"),
        (L, "", "4.0.0"),
        (F, "5.1.10", "5.1.10"),
        (F, "5.1.1 boo", "5.0.0"),
        (F, "5.1.1\r\n", "5.0.0"),
        (F, "5.8.1", "5.0.0"),
        (F, "5.1.\u0663", "5.0.0"),
    ],
)
def test_nothing_but_a_status_of_the_right_class_passes(fate: Fate, status: str, kept: str) -> None:
    assert report(begin(item()), 0, fate, status).forwards[0].status == kept


def test_failure_of_all_is_told_at_the_end() -> None:
    end = attempt(item(forward("a"), forward("b", Notify.NEVER)), F, F)
    assert (end.is_over, end.told) == (True, (0,))


def test_success_is_told_where_it_was_asked_for() -> None:
    end = attempt(item(forward("a", Notify.SUCCESS), forward("b")), D, D)
    assert (end.is_over, end.told) == (True, (0,))


def test_failure_is_told_at_once_also_while_others_wait_and_not_again() -> None:
    first = attempt(item(*map(forward, "abc")), F, L, D)
    assert (first.is_over, first.told) == (False, (0, 1))
    kept = told(first)
    assert [each.is_told for each in kept.forwards] == [True, False, False]
    second = attempt(kept, L)
    assert second.told == ()
    last = attempt(told(second), F)
    assert (last.is_over, last.told) == (True, (1,))


def test_a_delay_is_told_once() -> None:
    each, words = item(forward("a"), forward("b", Notify.FAILURE)), []
    for _ in range(9):
        end = attempt(each, L, L)
        words.append(end.told)
        each = told(end) if end.told else end.item
    assert words.count((0,)) == 1
    assert words.count(()) == 8
    assert words.index((0,)) == 5  # after 300 + 600 + 1200 + 2400 + 3600 + 7200 seconds


def test_after_five_days_it_fails_for_those_who_wait() -> None:
    each, attempts = item(forward("a"), forward("b")), 0
    end = attempt(each, D, L)
    while not end.is_over:
        attempts += 1
        end = attempt(end.item, L)
    assert 30 < attempts < 40
    assert [each.status for each in end.item.forwards] == ["2.0.0", TIME_EXPIRED]
    assert end.told == (1,)


def test_without_any_gateway_it_ends_after_five_days_too() -> None:
    end = attempt(item(), None)
    while not end.is_over:
        end = attempt(end.item, None)
    assert end.item.attempt == 1
    assert end.told == (0,)


def test_no_clock_ends_a_message_before_it_had_its_tries() -> None:
    end = attempt(item(), L, now=0.0)
    end = attempt(end.item, L, now=4e9)
    assert not end.is_over


def test_given_up_it_is_over_for_those_who_waited_and_its_sender_hears() -> None:
    held = hold(attempt(item(*map(forward, "ab")), D, L).item)
    given_up = give_up(held, NOON, CANCELLED)
    assert (given_up.due, given_up.is_held) == (NOON_MINUTE, False)
    end = conclude(given_up, NOON, PLAN, least)
    assert (end.is_over, end.told) == (True, (1,))
    assert [each.status for each in end.item.forwards] == ["2.0.0", CANCELLED]


def test_without_room_for_a_warning_it_is_left_out() -> None:
    first = attempt(item(*map(forward, "ab")), F, L)
    kept = untold(first, NOON, PLAN)
    assert kept is not None
    assert kept.is_warned
    assert attempt(kept, D).told == (0,)


def test_without_room_for_the_last_word_it_is_offered_again_for_as_long_as_a_message_waits() -> (
    None
):
    end = attempt(item(), F)
    offers = 0
    while (kept := untold(end, NOON, PLAN)) is not None:
        end = conclude(kept, NOON, PLAN, least)
        assert (end.is_over, end.told) == (True, (0,))
        offers += 1
    assert offers == 2 * PLAN.lifetime_seconds // PLAN.gaps_seconds[-1]


def test_held_and_released_it_goes_on_as_planned() -> None:
    each = item(due=NOON_MINUTE + 30)
    assert hold(each).is_held
    assert release(hold(each)) == each


def test_retry_lets_it_leave_now_with_the_date_of_now() -> None:
    planned = item(departs=NOON_MINUTE + 40, due=NOON_MINUTE + 40, is_held=True)
    now = retry(planned, NOON)
    assert (now.due, now.departs, now.is_held) == (NOON_MINUTE, NOON_MINUTE, False)


def test_retry_does_not_change_the_date_of_what_has_left_once() -> None:
    deferred = attempt(item(departs=NOON_MINUTE - 9), L).item
    now = retry(deferred, NOON + 60)
    assert (now.due, now.departs) == (NOON_MINUTE + 1, NOON_MINUTE - 9)


def test_planned_by_a_clock_that_was_wrong_it_is_planned_again() -> None:
    far = NOON_MINUTE + 500_000
    batched = item(departure=Departure.BATCHED, departs=far, due=far)
    again = replan(batched, NOON, NOON_MINUTE, PLAN, least)
    assert again.due == again.departs == NOON_MINUTE + BATCH_MINUTES
    tried = replace(attempt(item(), L).item, due=far)
    assert replan(tried, NOON, 0, PLAN, least).due == NOON_MINUTE + 5
    assert replan(tried, NOON, 0, PLAN, least).departs == NOON_MINUTE


def test_waiting_for_something_else_does_not_age_it() -> None:
    later = postpone(item(), NOON, 900)
    assert (later.due, later.waited_seconds) == (NOON_MINUTE + 15, 0)


def test_only_those_who_wait_keep_it() -> None:
    assert item().waiting
    assert not item(forward("a", state=State.FAILED)).waiting
