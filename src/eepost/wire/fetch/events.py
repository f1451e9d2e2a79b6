# SPDX-License-Identifier: Apache-2.0
"""What the engine that fetches tells its owner."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True, slots=True)
class Entry:
    """A message at the service. `unique_id` is empty where the service gives none."""

    number: int
    size_octets: int  # as the service says; what comes may be more or less
    unique_id: str


class Stage(Enum):
    """Where a session can be turned away."""

    GREETING = "greeting"
    LOGIN = "login"
    LISTING = "listing"


@dataclass(frozen=True, slots=True)
class Listed:
    """Logged in; this lies there. Now `retrieve`, `look`, `delete`, `quit`."""

    entries: Sequence[Entry] = field(repr=False)


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """The session never got that far; CLOSED follows. `words` are printable and bounded.

    `is_temporary`: the password may be right (RFC 3206 SYS/TEMP, IN-USE, LOGIN-DELAY).
    """

    stage: Stage
    words: str = field(repr=False)
    is_temporary: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """The next octets of the message under way, dot-unstuffed; line ends may be cut in two."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Complete:
    """The message `number` is whole."""

    number: int


@dataclass(frozen=True, slots=True)
class Missing:
    """The service does not give the message `number` (any more)."""

    number: int


@dataclass(frozen=True, slots=True)
class Deleted:
    """DELE of `number` was answered; it is gone once Ended has come."""

    number: int


@dataclass(frozen=True, slots=True)
class Ended:
    """QUIT was answered: with yes, what was deleted is gone."""

    is_done: bool


Event = Listed | TurnedAway | Content | Complete | Missing | Deleted | Ended
