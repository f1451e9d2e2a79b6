# SPDX-License-Identifier: Apache-2.0
"""What a sanitiser changed: kinds and counts, never values."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Report:
    """Counts by kind, for tests, metrics and people: `{"header dropped": 12}`."""

    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """Collects counts while a message is rebuilt."""

    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, count: int = 1) -> None:
        """Count `kind`, a constant of the code and never a part of a message."""
        if count:
            self._counts[kind] = self._counts.get(kind, 0) + count

    def report(self) -> Report:
        """Return what was counted so far."""
        return Report(dict(self._counts))
