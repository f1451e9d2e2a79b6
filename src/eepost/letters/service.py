# SPDX-License-Identifier: Apache-2.0
"""The service as a letterbox needs it: what it is asked, and how it may answer."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class Verdict(Enum):
    """What the service says to a login."""

    CONFIRMED = "confirmed"
    DENIED = "denied"
    UNREACHABLE = "unreachable"  # or it could not say
    VIOLATION = "violation"  # what it said is not the protocol, or beyond all bounds


class NotServed(Exception):  # noqa: N818 - an outcome, not a fault
    """A session with the service could not begin, or broke. `text` is public, for people."""

    def __init__(self, verdict: Verdict, text: str) -> None:
        super().__init__(text)
        self.verdict = verdict
        self.text = text


class Fate(Enum):
    """What the service says of a recipient."""

    TAKEN = "taken"
    PUT_OFF = "put off"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a letter for one recipient; `words`: the service's, printable and bounded."""

    fate: Fate
    words: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is handed to the service: paths as they stand in the envelope, CRLF lines."""

    reverse_path: str = field(repr=False)
    recipients: Sequence[str] = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Listed:
    """A message at the service, by its number in this session."""

    number: int
    unique_id: str
    size_octets: int


class Submission(Protocol):
    """An open session in which letters are handed over."""

    async def carry(self, letter: Letter) -> Sequence[Outcome]:
        """Return an outcome for each recipient, in their order. Raises NotServed."""


class Maildrop(Protocol):
    """An open session in which mail is fetched."""

    @property
    def listing(self) -> Sequence[Listed]:
        """What lies there."""

    def fetch(self, wanted: Sequence[Listed]) -> AsyncIterator[bytes | None]:
        """Give the messages in the order of `wanted`, None for one that can't be had.

        Raises NotServed.
        """

    async def delete(self, gone: Sequence[Listed]) -> Sequence[Listed]:
        """Let messages be deleted when the session ends in order; return those that will be.

        Raises NotServed.
        """

    async def end(self) -> None:
        """End the session in order: what was deleted is gone then. Raises NotServed."""


class Service(Protocol):
    """The far side of one identity."""

    async def confirm(self, login: str, password: str) -> Verdict:
        """Ask whether this is an account's password."""

    def submission(self, login: str, password: str) -> AbstractAsyncContextManager[Submission]:
        """Begin to hand letters over. Raises NotServed when entered."""

    def maildrop(
        self, login: str, password: str, came: Callable[[int], None]
    ) -> AbstractAsyncContextManager[Maildrop]:
        """Begin to fetch; `came` is told how many octets of messages came. Raises NotServed."""
