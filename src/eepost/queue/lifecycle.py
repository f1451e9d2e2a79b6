# SPDX-License-Identifier: Apache-2.0
"""The life of an item: every change that it can go through, as values.

    accepted -> attempt 1 -> each recipient reported -> over, or a wait -> attempt 2 -> ...

An attempt is over when each recipient that waits was reported in it. One that a lost gateway cut
short goes on with those who were not: only they can get the message twice. An item is over when
nobody waits any more; its sender hears of that at most once, and of a delay at most once before.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from eepost.mail.envelope import Notify
from eepost.queue.item import Forward, Item, State
from eepost.queue.release import departs_at, minute_of
from eepost.queue.retry import Randomness, RetryPlan
from eepost.wire.transfer.messages import Fate

# Where nothing better is known, RFC 3463 3.
UNKNOWN_FAILURE = "5.0.0"
UNKNOWN_DELAY = "4.0.0"
TIME_EXPIRED = "5.4.7"
NO_ROUTE = "4.4.0"
CANCELLED = "5.7.0"
# RFC 3463 3: subjects 0 to 7. A gateway may have been seized: nothing but a code passes.
_STATUS = re.compile(r"[245]\.[0-7]\.[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What an item is after an attempt, and the recipients (by place) that its sender hears of."""

    item: Item
    told: tuple[int, ...] = ()

    @property
    def is_over(self) -> bool:
        """Nothing remains to be done but to tell and to forget it."""
        return not self.item.waiting


def unreported(item: Item) -> tuple[int, ...]:
    """Return the recipients (by place) whom the attempt that is under way still owes a word."""
    return tuple(
        at
        for at, each in enumerate(item.forwards)
        if each.state is State.WAITING and each.tried < item.attempt
    )


def begin(item: Item) -> Item:
    """Begin an attempt, or go on with the one that was cut short."""
    return item if unreported(item) else replace(item, attempt=item.attempt + 1)


def report(item: Item, at: int, fate: Fate, status: str) -> Item:
    """Note what became of recipient `at` in this attempt; a second word on him changes nothing."""
    each = item.forwards[at]
    if each.state is not State.WAITING or each.tried >= item.attempt:
        return item
    told = replace(each, tried=item.attempt, status=_clean(fate, status), state=_STATES[fate])
    return replace(item, forwards=(*item.forwards[:at], told, *item.forwards[at + 1 :]))


_STATES = {
    Fate.DELIVERED: State.DELIVERED,
    Fate.DEFERRED: State.WAITING,
    Fate.FAILED: State.FAILED,
}
_DEFAULTS = {
    Fate.DELIVERED: "2.0.0",
    Fate.DEFERRED: UNKNOWN_DELAY,
    Fate.FAILED: UNKNOWN_FAILURE,
}


def _clean(fate: Fate, status: str) -> str:
    default = _DEFAULTS[fate]
    return status if _STATUS.fullmatch(status) and status[0] == default[0] else default


def conclude(item: Item, now_utc: float, plan: RetryPlan, randomness: Randomness) -> Conclusion:
    """Say what follows an attempt: the end, or another after a wait."""
    if item.waiting:
        is_cut = unreported(item)
        wait = plan.cut(randomness) if is_cut else plan.gap(item.attempt, randomness)
        item = _put_off(item, now_utc, wait)
        if item.waited_seconds > plan.lifetime_seconds:
            item = _give_up(item, TIME_EXPIRED)
    return Conclusion(item, _to_tell(item, plan))


def give_up(item: Item, now_utc: float, status: str) -> Item:
    """End an item for all who wait; its sender is told when it is next looked at, now."""
    given_up = _give_up(item, status)
    return replace(given_up, is_held=False, due=min(item.due, minute_of(now_utc)))


def told(conclusion: Conclusion) -> Item:
    """Return the item once its sender was sent the report."""
    forwards = list(conclusion.item.forwards)
    for at in conclusion.told:
        is_over = forwards[at].state is not State.WAITING
        forwards[at] = replace(forwards[at], is_told=is_over)
    return replace(conclusion.item, forwards=tuple(forwards), is_warned=True)


def untold(conclusion: Conclusion, now_utc: float, plan: RetryPlan) -> Item | None:
    """Return the item where its sender has no room for the report; None to forget it.

    A warning can be left out. The last word is offered again for as long as a message waits.
    """
    item = conclusion.item
    if not conclusion.is_over:
        return replace(item, is_warned=True)
    item = _put_off(item, now_utc, plan.gaps_seconds[-1])
    return item if item.waited_seconds <= 2 * plan.lifetime_seconds else None


def hold(item: Item) -> Item:
    """Let an item wait until it is released."""
    return replace(item, is_held=True)


def release(item: Item) -> Item:
    """Let an item that was held go on as it was planned."""
    return replace(item, is_held=False)


def retry(item: Item, now_utc: float) -> Item:
    """Let an item leave, or be tried again, now; one that was held is released."""
    now = minute_of(now_utc)
    departs = item.departs if item.attempt else min(item.departs, now)
    return replace(item, is_held=False, due=min(item.due, now), departs=departs)


def postpone(item: Item, now_utc: float, seconds: int) -> Item:
    """Let an item wait for something that is no fault of its delivery, and counts for no age."""
    return replace(_put_off(item, now_utc, seconds), waited_seconds=item.waited_seconds)


def replan(
    item: Item, now_utc: float, last_batch: int, plan: RetryPlan, randomness: Randomness
) -> Item:
    """Return an item that is due later than can have been planned: the clock was set back."""
    if item.attempt:
        return _put_off(item, now_utc, plan.gap(1, randomness))
    departs = departs_at(item.departure, now_utc, last_batch, randomness)
    return replace(item, departs=departs, due=departs)


def _put_off(item: Item, now_utc: float, seconds: int) -> Item:
    due = -int(-(now_utc + seconds) // 60)
    return replace(item, due=due, waited_seconds=item.waited_seconds + seconds)


def _give_up(item: Item, status: str) -> Item:
    forwards = tuple(
        replace(each, state=State.FAILED, status=status) if each.state is State.WAITING else each
        for each in item.forwards
    )
    return replace(item, forwards=forwards)


def _to_tell(item: Item, plan: RetryPlan) -> tuple[int, ...]:
    if not item.waiting:
        return _final(item.forwards)
    if item.is_warned:
        return ()
    failed = [at for at, each in enumerate(item.forwards) if _has_failed(each)]
    late = item.waited_seconds >= plan.warn_after_seconds
    if not failed and not late:
        return ()
    # Who waits is named along with who failed: there will be no other word before the last.
    delayed = [
        at
        for at, each in enumerate(item.forwards)
        if each.state is State.WAITING and Notify.DELAY in each.notify
    ]
    return tuple(sorted((*failed, *delayed)))


def _final(forwards: Sequence[Forward]) -> tuple[int, ...]:
    return tuple(
        at
        for at, each in enumerate(forwards)
        if _has_failed(each) or (each.state is State.DELIVERED and Notify.SUCCESS in each.notify)
    )


def _has_failed(each: Forward) -> bool:
    return each.state is State.FAILED and not each.is_told and Notify.FAILURE in each.notify
