# SPDX-License-Identifier: Apache-2.0
"""What the portal needs to know of outgoing mail; who sends it is another service's business."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from eepost.accounts.model import Account


class StampFate(Enum):
    """What became of a hashcash stamp; the values are shown."""

    COUNTED = "The stamp was counted: you may write to more people today."
    COUNTED_BEFORE = "This stamp was counted before; each one counts once."
    WORTHLESS = "This is no stamp for your address, it has too few bits, or it is too old."


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an account may still send to the Internet in this day."""

    recipients_left: int
    recipients: int  # of them in a day, stamps of today included
    messages_left: int
    messages: int
    stamps: Sequence[tuple[int, int]]  # bits, and the recipients that they give


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that has not left yet. `number` names it to `cancel`."""

    number: int = field(repr=False)
    accepted_utc: int
    leaves_utc: int
    recipients: Sequence[str] = field(repr=False)
    is_held: bool = False
    can_be_cancelled: bool = True  # it has not been handed to a gateway


class Sending(Protocol):
    """Outgoing mail as its sender may see it. Every call may raise StoreUnavailable."""

    def allowed(self, account: Account) -> Awaitable[Allowed]:
        """Return what the account may still send."""

    def hand_in(self, account: Account, stamp: str) -> Awaitable[StampFate]:
        """Count a stamp."""

    def waiting(self, account: Account) -> Awaitable[Sequence[Waiting]]:
        """Return what waits to leave, the next one first."""

    def cancel(self, account: Account, number: int) -> Awaitable[bool]:
        """Take a message back; False where it is not there, not the account's, or has left."""
