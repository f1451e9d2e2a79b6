# SPDX-License-Identifier: Apache-2.0
"""What the engine that hands mail in tells its owner."""

from dataclasses import dataclass
from enum import Enum

from eepost.wire.submit.replies import FarReply


class Stage(Enum):
    """Where a session can be turned away."""

    GREETING = "greeting"
    HELLO = "hello"
    LOGIN = "login"


@dataclass(frozen=True, slots=True)
class Ready:
    """Logged in: `submit` a letter, or `quit`."""


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """The session never got that far; CLOSED follows."""

    stage: Stage
    reply: FarReply


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply for each recipient of the letter, in their order; then as after Ready."""

    replies: tuple[FarReply, ...]


Event = Ready | TurnedAway | Answered
