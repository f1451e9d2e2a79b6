# SPDX-License-Identifier: Apache-2.0
"""What a sanitiser changed: kinds and counts, never values."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Report:
    """Counts by kind, for tests, metrics and people: `{"header dropped": 12}`."""

    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """Collects counts while a message is rebuilt."""

    _counts: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, count: int = 1) -> None:
        """Count `kind`, a constant of the code and never a part of a message."""
        if count:
            self._counts[kind] += count

    def report(self) -> Report:
        """Return what was counted so far."""
        return Report(dict(sorted(self._counts.items())))
