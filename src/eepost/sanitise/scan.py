# SPDX-License-Identifier: Apache-2.0
"""What a virus scanner says of a message, and what whoever needs one may ask it.

A port and its values, in a room that the core, a gateway and a letterbox may all import. It knows
no scanner; `net.clamd` is one.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Obstacle(Enum):
    """Why nobody knows whether a message holds a virus."""

    # Not reachable, silent for too long, dead in the middle, or not to be believed.
    DOWN = "down"
    # The message is larger, deeper or longer to unpack than the scanner looks.
    OVER_LIMITS = "over limits"


@dataclass(frozen=True, slots=True)
class Clean:
    """Nothing that the scanner knows was found. What is encrypted was not seen into."""


@dataclass(frozen=True, slots=True)
class Infected:
    """A virus was found. `name` is the signature's: printable ASCII without spaces, bounded."""

    name: str


@dataclass(frozen=True, slots=True)
class Unscannable:
    """The scanner came to no answer; that is never to be taken for Clean."""

    obstacle: Obstacle


Verdict = Clean | Infected | Unscannable


class Scanner(Protocol):
    """Looks for viruses."""

    def scan(self, message: Sequence[bytes | memoryview]) -> Awaitable[Verdict]:
        """Return what is to be said of `message`: pieces in order, CRLF lines, not dot-stuffed.

        The pieces must stay unchanged until it returns. Never raises: whatever goes wrong is
        Unscannable. Takes bounded time, waiting for others' messages included.
        """
