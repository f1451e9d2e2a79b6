# SPDX-License-Identifier: Apache-2.0
"""What services need of whoever sanitises for them: each policy, for a message and its context."""

from enum import Enum
from typing import Protocol

from eepost.sanitise.from_user import FromUser
from eepost.sanitise.inbound import Inbound
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.to_internet import ToInternet


class Why(Enum):
    """Why there is no outcome; in each case nothing is known against the message."""

    BUSY = "busy"  # too many messages wait already
    TIME = "out of time"  # it took longer than a message may
    DIED = "died"  # the worker did: out of memory, or by a fault of a library
    FAULT = "fault"  # an exception that nobody expected
    ABSENT = "absent"  # no worker can be started


class CleaningFailed(Exception):  # noqa: N818 - an outcome for the caller: 451, try again
    """The message was not sanitised, and must not go on. Trying again is safe."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


class Cleaner(Protocol):
    """Sanitises without holding the caller's other work up. Every call raises CleaningFailed.

    The message (CRLF lines, not dot-stuffed) must stay unchanged until the call returns, and while
    the result is in use: that may be views of it.

    What is handed in with the same `whose` may pass through one process; without it, each message
    has one of its own, so that what takes it over sees no other. A user's own mail is his.
    """

    async def from_user(self, message: bytes | bytearray, context: FromUser) -> Sanitised | Refused:
        """Return what a user submits as it may go on."""

    async def to_internet(
        self, message: bytes | bytearray, context: ToInternet, whose: str | None = None
    ) -> Sanitised | Refused:
        """Return what `from_user` made as it may leave for the Internet."""

    async def from_internet(
        self, message: bytes | bytearray, context: Inbound, whose: str | None = None
    ) -> Sanitised | Refused:
        """Return what came from the Internet as it may go on to the core."""

    async def to_user(
        self, message: bytes | bytearray, context: Inbound, whose: str | None = None
    ) -> Sanitised | Refused:
        """Return a message as its reader gets it."""
