# SPDX-License-Identifier: Apache-2.0
"""What both seats of an exchange share: the stream beneath, bounds, and how an exchange may go.

There is no credit and no window: whoever asks says at once how much content follows, and whoever
answers either has room for all of it or declines. So both sides always read, nothing waits in a
circle, and a slow exchange holds up nobody: content goes out in pieces that take turns.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from eepost.wire.transfer.messages import (
    Answer,
    AskRecipient,
    AskSealingKey,
    Declined,
    Incoming,
    Outcome,
    Question,
    RecipientStanding,
    Relay,
    Reported,
    SealingKey,
    StillHere,
    StillThere,
    Taken,
)


class Stream(Protocol):
    """A proven link; `eepost.net.link.LinkStream` is one."""

    async def send(self, octets: bytes) -> None:
        """Send; waits while the other side takes nothing. Raises OSError."""

    def put(self, octets: bytes) -> None:
        """Send a few octets without waiting."""

    async def receive(self) -> bytes:
        """Return the next octets, b"" at the other side's end. Raises LinkCut."""

    async def finish(self) -> None:
        """Say that we have sent all. Raises OSError."""

    def close(self) -> None:
        """Drop the stream."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one stream may take."""

    # Exchanges open at once. A large mail over a slow route keeps one for minutes, and small ones
    # should not wait for it; each costs a task and its content.
    exchanges: int = 100
    # Content of one exchange that is kept; what is larger is thrown away as it comes.
    content_octets: int = 67_108_864
    # Silence after which an asker asks whether anybody is there. A route over I2P stands still for
    # a minute now and then.
    quiet_seconds: float = 60.0
    # Silence after which a side takes the stream for dead.
    silence_seconds: float = 240.0
    # The longest that an exchange's content may be on its way; 64 MB at 20 kB/s.
    content_seconds: float = 3_600.0


# What ends an exchange that was opened by this kind of question.
CLOSING: Final[dict[type[Question], type[Answer]]] = {
    Relay: Reported,
    Incoming: Taken,
    AskRecipient: RecipientStanding,
    AskSealingKey: SealingKey,
    StillThere: StillHere,
}


def has_content(question: Question) -> int | None:
    """Return how many octets follow `question`, None where it is all there is."""
    return question.octets if isinstance(question, Relay | Incoming) else None


def fits(question: Question, answer: Answer) -> bool:
    """Whether `answer` may be given to `question` at all."""
    if isinstance(answer, Outcome):
        return isinstance(question, Relay) and answer.recipient < len(question.recipients)
    if isinstance(answer, Taken) and isinstance(question, Incoming):
        return len(answer.standings) == len(question.recipients)
    return isinstance(answer, CLOSING[type(question)] | Declined)


def is_last(answer: Answer) -> bool:
    """Whether nothing follows `answer` in its exchange."""
    return not isinstance(answer, Outcome)
