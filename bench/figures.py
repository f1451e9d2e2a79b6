# SPDX-License-Identifier: Apache-2.0
"""What figures come to over rounds: medians and ratios with their spread."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

Figures = dict[str, float]
"""What one measurement found, by name; the unit stands in the name."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and the least and greatest value that it stands between."""

    median: float
    least: float
    greatest: float

    def __str__(self) -> str:
        return f"{show(self.median)} ({show(self.least)}-{show(self.greatest)})"


def spread(values: Sequence[float]) -> Spread:
    """Return the spread of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Return our values over theirs, round by round: what slows a round down slows both."""
    return spread([our / their for our, their in zip(ours, theirs, strict=True)])


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]


def show(value: float) -> str:
    """Return three significant digits, without an exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
