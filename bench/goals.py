# SPDX-License-Identifier: Apache-2.0
"""What eepost must reach, as a table of claims about what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.figures import Figures, Spread, ratio, show, spread

Rounds = Mapping[tuple[str, str], Sequence[Figures]]
"""(scenario, contender) -> the figures of each round."""

OURS = "eepost"


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Our figure is at least so many times theirs."""

    scenario: str
    claim: str
    figure: str
    peer: str
    goal: float
    stretch: float | None = None

    def value(self, rounds: Rounds) -> Spread:
        """Return the ratio. Raises KeyError when a side was not measured."""
        ours, theirs = rounds[self.scenario, OURS], rounds[self.scenario, self.peer]
        return ratio([each[self.figure] for each in ours], [each[self.figure] for each in theirs])

    def is_reached(self, value: Spread) -> bool:
        """Tell whether the goal is reached."""
        return value.median >= self.goal

    @property
    def wanted(self) -> str:
        """Say what is wanted."""
        stretch = f" (stretch {show(self.stretch)})" if self.stretch else ""
        return f"at least {show(self.goal)}x{stretch}"


@dataclass(frozen=True, slots=True)
class AtMost:
    """Our figure is at most the goal."""

    scenario: str
    claim: str
    figure: str
    goal: float

    def value(self, rounds: Rounds) -> Spread:
        """Return our figure. Raises KeyError when it was not measured."""
        return spread([each[self.figure] for each in rounds[self.scenario, OURS]])

    def is_reached(self, value: Spread) -> bool:
        """Tell whether the goal is reached."""
        return value.median <= self.goal

    @property
    def wanted(self) -> str:
        """Say what is wanted."""
        return f"at most {show(self.goal)}"


@dataclass(frozen=True, slots=True)
class Below:
    """One figure of ours is below another one of theirs, in the same round."""

    scenario: str
    claim: str
    figure: str
    peer: str
    their_figure: str

    def value(self, rounds: Rounds) -> Spread:
        """Return ours over theirs. Raises KeyError when a side was not measured."""
        ours, theirs = rounds[self.scenario, OURS], rounds[self.scenario, self.peer]
        return ratio(
            [each[self.figure] for each in ours], [each[self.their_figure] for each in theirs]
        )

    def is_reached(self, value: Spread) -> bool:
        """Tell whether the goal is reached."""
        return value.median < 1

    @property
    def wanted(self) -> str:
        """Say what is wanted."""
        return "below 1x"


Goal = AtLeast | AtMost | Below

GOALS: tuple[Goal, ...] = (
    AtLeast("submit", "4 kB submissions a second", "rate", "postfix", 12, 20),
    Below("submit", "our p99 against their p50", "p99_ms", "postfix", "p50_ms"),
    AtMost("submit", "CPU ms for a submission", "cpu_ms", 0.3),
    AtMost("flushes", "flushes for a submission", "flushes", 0.2),
    AtLeast("submit-large", "1 MB submissions a second", "rate", "postfix", 2),
    AtLeast("relay", "messages a second to the Internet over one hop", "rate", "postfix", 1),
    AtLeast("fetch", "fetches of 100 x 4 kB, Dovecot as installed", "rate", "maildir", 5, 7),
    AtLeast("fetch", "fetches of 100 x 4 kB, Dovecot at its best", "rate", "sdbox", 1.5, 3),
    AtLeast("poll", "polls of an empty maildrop, Dovecot at its best", "rate", "sdbox", 8),
    AtMost("idle-pop3", "octets for a POP3 connection", "octets", 10_000),
    AtMost("idle-pop3", "MB of the whole service then", "resident_mb", 150),
    AtMost("idle-smtp", "octets for an SMTP connection", "octets", 10_000),
    AtMost("idle-smtp", "MB of the whole service then", "resident_mb", 150),
    AtMost("texts", "us to sanitise 4 kB of ASCII", "ascii_us", 60),
    AtMost("texts", "us, UTF-8 of eight bits", "utf8_us", 60),
    AtMost("texts", "us, UTF-8 in quoted-printable", "quoted_us", 60),
    AtMost("texts", "us, UTF-8 in base64", "base64_us", 60),
    AtMost("texts", "us, Cyrillic", "cyrillic_us", 60),
    AtMost("texts", "us, format=flowed", "flowed_us", 60),
    AtMost("corpus", "ms to sanitise a real message (300 a second)", "cpu_ms", 1_000 / 300),
    AtMost("corpus", "ms for the slowest of them", "slowest_ms", 1_000),
    AtMost("pictures", "seconds for 10 MB of pictures", "seconds", 1),
    AtMost("pictures", "MB of memory then", "peak_mb", 150),
    AtMost("portal", "ms to the first octet of a page", "first_byte_ms", 20),
)
