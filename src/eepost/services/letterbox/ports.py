# SPDX-License-Identifier: Apache-2.0
"""What the letterbox gives to pages and mail programs, and what it needs of the machine."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from eepost.letters.model import (
    Accepted,
    Flag,
    FolderCount,
    Order,
    Page,
    Progress,
    Summary,
    Waiting,
)
from eepost.letters.ports import DiskFull, InUse, LockDamaged, NoSuchMessage, WrongPassword
from eepost.letters.service import (
    Fate,
    Letter,
    Listed,
    Maildrop,
    NotServed,
    Outcome,
    Service,
    Submission,
    Verdict,
)
from eepost.mail.reply import Reply
from eepost.services.letterbox.guesses import TooManyGuesses

__all__ = [
    "DiskFull",
    "Fate",
    "InUse",
    "Letter",
    "Listed",
    "LockDamaged",
    "Maildrop",
    "NoSuchMessage",
    "NotServed",
    "Outcome",
    "Service",
    "Submission",
    "TooManyGuesses",
    "Verdict",
    "WrongPassword",
]

T = TypeVar("T")


class OldPasswordNeeded(Exception):  # noqa: N818 - an outcome for the user, not a fault
    """The service takes this password, but the letters here are locked under an earlier one."""


class Unreachable(Exception):  # noqa: N818 - an outcome for the user, not a fault
    """The service can't be asked now, and the first sign-in needs it."""


class NotAllowed(Exception):  # noqa: N818 - an outcome for the user, not a fault
    """The message can't be sent; `reply` says why, in public words."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply

    @property
    def text(self) -> str:
        """Why, for people."""
        return self.reply.text


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A message as it may leave this machine, and what was taken from it, by kind."""

    octets: bytes = field(repr=False)
    report: Mapping[str, int] = field(default_factory=dict)


class Mailbox(Protocol):
    """One account of one identity, unlocked. Calls from the event loop only."""

    @property
    def identity(self) -> str:
        """The identity that the account belongs to."""

    @property
    def address(self) -> str:
        """The account's address, under the first of the identity's domains."""

    @property
    def addresses(self) -> frozenset[str]:
        """All addresses that are the account's own, in lower case."""

    def folders(self) -> Sequence[FolderCount]:
        """Return all folders with what lies in them."""

    def summaries(
        self, folder: str, *, order: Order, query: str = "", start: int = 0, count: int = 50
    ) -> Page:
        """Return a stretch of a folder; `query`: words that all have to stand in a message."""

    def summary(self, number: int) -> Summary:
        """Return the summary of one message. Raises NoSuchMessage."""

    async def message(self, number: int) -> bytes:
        """Return a message in CRLF lines. Raises NoSuchMessage."""

    async def file(self, folder: str, message: bytes, *, flags: Flag = Flag.NONE) -> int:
        """Keep a message (CRLF lines) and return its number, durable. Raises DiskFull."""

    async def move(self, numbers: Sequence[int], folder: str) -> None:
        """Put messages into another folder. What goes to the trash is deleted at the service."""

    async def erase(self, numbers: Sequence[int]) -> None:
        """Remove messages for good; what waits to be sent is left alone, see `cancel`."""

    async def mark(self, numbers: Sequence[int], flag: Flag, is_set: bool) -> None:
        """Set a flag or take it away."""

    async def clean(self, message: bytes) -> Cleaned:
        """Return a message (CRLF lines) as it would leave, without sending it: to be encrypted.

        Raises NotAllowed.
        """

    async def send(self, reverse_path: str, recipients: Sequence[str], message: bytes) -> Accepted:
        """Clean a message (CRLF lines) and let it wait for the service, durable on return.

        Raises NotAllowed, DiskFull.
        """

    def waiting(self) -> Sequence[Waiting]:
        """Return what waits to be sent, then what was sent or refused lately."""

    async def cancel(self, number: int) -> bool:
        """Take back what waits; False where it is being sent just now, or was already."""

    def start_fetching(self) -> None:
        """Look for new mail at the service; nothing happens where that is under way."""

    def progress(self) -> Progress:
        """Return how far fetching is."""

    async def keep(self, name: str, value: bytes) -> None:
        """Keep a small sealed record (at most 4 MB), b"" for none. Raises DiskFull."""

    async def kept(self, name: str) -> bytes | None:
        """Return what `keep` was given."""


class Letterbox(Protocol):
    """All identities of this machine's user."""

    @property
    def identities(self) -> Sequence[str]:
        """Their names, in the settings' order."""

    async def sign_in(self, identity: str, name: str, password: str) -> Mailbox:
        """Unlock an account, and make it where the service confirms that it is one.

        Raises WrongPassword, TooManyGuesses, OldPasswordNeeded, Unreachable, DiskFull, LockDamaged,
        InUse, and KeyError for an identity that is none.
        """

    async def change_password(self, identity: str, name: str, old: str, new: str) -> Mailbox:
        """Lock an account's letters under the password that the service takes by now.

        Raises as `sign_in`.
        """

    async def lock(self, mailbox: Mailbox) -> None:
        """Forget the account's password and keys; what waits, waits until somebody signs in."""


class Offload(Protocol):
    """Runs blocking work beside the event loop, one piece after the other."""

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        """Return what `work` returns."""
