# SPDX-License-Identifier: Apache-2.0
"""No order of crashes, losses, outcomes and clocks loses mail; planted faults are found."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from eepost.queue import lifecycle
from eepost.queue.item import Item, State
from eepost.services.mta import attempt
from tests.services.queue_life import QueueLife

LIFE = settings(
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
SEARCH = settings(LIFE, max_examples=2_000, phases=[Phase.generate], print_blob=False)


def test_accepted_means_delivered_or_told_whatever_happens() -> None:
    run_state_machine_as_test(QueueLife, settings=LIFE)


def repeats_everybody(item: Item) -> tuple[int, ...]:
    """Forgets who was reported in an attempt that was cut short."""
    return tuple(at for at, each in enumerate(item.forwards) if each.tried <= item.attempt)


def forgets_the_late(item: Item, *arguments: Any) -> lifecycle.Conclusion:
    """Takes a message for done as soon as one attempt is."""
    end = lifecycle.conclude(item, *arguments)
    forwards = tuple(
        replace(each, state=State.DELIVERED) if each.state is State.WAITING else each
        for each in end.item.forwards
    )
    return replace(end, item=replace(end.item, forwards=forwards)) if item.attempt > 1 else end


def keeps_failures_quiet(item: Item, *arguments: Any) -> lifecycle.Conclusion:
    """Tells of no failure."""
    return replace(lifecycle.conclude(item, *arguments), told=())


def tells_again(conclusion: lifecycle.Conclusion) -> Item:
    """Forgets that the sender has heard."""
    return conclusion.item


async def keeps_no_outcome(self: attempt.Attempt, item: Item, copies: Any = ()) -> Any:
    """Waits with what was reported until the whole attempt is over."""
    return None


FAULTS: dict[str, Callable[..., Any]] = {
    "unreported": repeats_everybody,
    "conclude": forgets_the_late,
    "conclude ": keeps_failures_quiet,
    "told": tells_again,
    "Attempt._note": keeps_no_outcome,
}


@pytest.mark.parametrize("place", FAULTS)
def test_a_planted_fault_is_found(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"eepost.services.mta.attempt.{place.strip()}", FAULTS[place])
    with pytest.raises(AssertionError, match=r"gone|got|<= 1|for ever"):
        run_state_machine_as_test(QueueLife, settings=SEARCH)
