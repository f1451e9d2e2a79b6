# SPDX-License-Identifier: Apache-2.0
"""Decides what becomes of a message by what the virus scanner says of it.

Fails closed: a message about which the scanner says nothing is put off, unless the operator chose
otherwise; then it passes with a mark that its readers can see.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from eepost.mail.reply import Reply
from eepost.sanitise.outcome import Sanitised
from eepost.sanitise.scan import Clean, Infected, Obstacle, Scanner, Unscannable
from eepost.services.mta import replies

# Written above a message that passes unscanned, where it is delivered here; never on mail that
# leaves. A field of this name can't come from outside: no sanitiser lets one through.
MARKS: Final[Mapping[Obstacle, bytes]] = {
    Obstacle.DOWN: b"X-Virus-Status: Unscanned (the scanner could not be asked)\r\n",
    Obstacle.OVER_LIMITS: b"X-Virus-Status: Unscanned (too deep or too large for the scanner)\r\n",
}
_REFUSALS: Final[Mapping[Obstacle, Reply]] = {
    Obstacle.DOWN: replies.SCANNER_DOWN,
    Obstacle.OVER_LIMITS: replies.OVER_SCANNER_LIMITS,
}


@dataclass(frozen=True, slots=True)
class Passed:
    """The message may be delivered, with `mark` (a whole header field, or nothing) above it."""

    mark: bytes = b""


@dataclass(slots=True)
class ScanCounts:
    """What screening has seen; numbers only."""

    clean: int = 0
    infected: int = 0
    unscannable: dict[Obstacle, int] = field(default_factory=lambda: dict.fromkeys(Obstacle, 0))


@dataclass(frozen=True, slots=True)
class Screening:
    """Asks `scanner`, if there is one. `passing` names what a message may pass in spite of."""

    scanner: Scanner | None = None
    passing: frozenset[Obstacle] = frozenset()
    counts: ScanCounts = field(default_factory=ScanCounts)

    async def screen(self, message: Sanitised) -> Passed | Reply:
        """Return how `message` may pass, or the reply that refuses it."""
        if self.scanner is None:
            return Passed()
        match await self.scanner.scan(message.pieces):
            case Clean():
                self.counts.clean += 1
                return Passed()
            case Infected(name):
                self.counts.infected += 1
                return replies.virus_found(name)
            case Unscannable(obstacle):
                self.counts.unscannable[obstacle] += 1
                if obstacle in self.passing:
                    return Passed(MARKS[obstacle])
                return _REFUSALS[obstacle]
