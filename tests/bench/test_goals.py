# SPDX-License-Identifier: Apache-2.0
from bench.figures import percentile, ratio, show, spread
from bench.goals import GOALS, AtLeast, AtMost, Below
from bench.report import Verdict, judge
from bench.scenarios import SCENARIOS


def test_a_ratio_is_taken_round_by_round() -> None:
    # The second round was slow for both: the ratio of medians would say 20.
    assert ratio([100, 20, 40], [10, 1, 4]).median == 10


def test_a_spread_names_its_edges() -> None:
    assert str(spread([3, 1, 2])) == "2 (1-3)"
    assert [show(value) for value in (0.1234, 12.34, 1234.5)] == ["0.123", "12.3", "1,234"]


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile(list(range(100)), 99) == 99
    assert percentile([5.0], 50) == 5.0


def test_goals_are_judged_by_the_median() -> None:
    rounds = {
        ("submit", "eepost"): [{"rate": each, "p99_ms": 30.0} for each in (900.0, 1_300, 1_400)],
        ("submit", "postfix"): [{"rate": 100.0, "p50_ms": 40.0}] * 3,
    }
    at_least = AtLeast("submit", "", "rate", "postfix", 12)
    assert at_least.is_reached(at_least.value(rounds))
    assert not AtLeast("submit", "", "rate", "postfix", 13.5).is_reached(at_least.value(rounds))
    below = Below("submit", "", "p99_ms", "postfix", "p50_ms")
    assert below.is_reached(below.value(rounds))
    at_most = AtMost("submit", "", "p99_ms", 29.9)
    assert not at_most.is_reached(at_most.value(rounds))


def test_a_goal_without_its_peer_counts_as_not_measured() -> None:
    judged = judge({("submit", "eepost"): [{"rate": 1.0, "cpu_ms": 9.0}]}, ["submit"])
    assert [verdict for _, _, verdict in judged] == [
        Verdict.UNMEASURED,
        Verdict.UNMEASURED,
        Verdict.MISSED,
    ]


def test_every_goal_speaks_of_a_scenario_and_of_contenders_that_bear_it() -> None:
    contenders = {scenario.name: scenario.contenders for scenario in SCENARIOS}
    for goal in GOALS:
        wanted = {"eepost", getattr(goal, "peer", "eepost")}
        assert wanted <= set(contenders[goal.scenario])
