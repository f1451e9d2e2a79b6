# SPDX-License-Identifier: Apache-2.0
"""The words of the letterbox: folders, flags, summaries, what waits and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntFlag, StrEnum, auto

from msgspec import Struct


class Folder(StrEnum):
    """Where a message lies; the value stands in pages' addresses and on disk."""

    INBOX = "inbox"
    DRAFTS = "drafts"
    SENT = "sent"
    TRASH = "trash"
    OUTBOX = "outbox"  # the spool: only sending puts anything there, only its end takes it out


class Flag(IntFlag):
    """What its user has done with a message."""

    NONE = 0
    READ = auto()
    ANSWERED = auto()
    FORWARDED = auto()


class Order(Enum):
    """How a folder is listed; whatever is equal stands by number, newest first."""

    NUMBER = "number"  # in which they came; for programs
    NEWEST = "newest"
    OLDEST = "oldest"
    AUTHOR = "author"
    RECIPIENTS = "recipients"
    SUBJECT = "subject"
    LARGEST = "largest"


class State(StrEnum):
    """What becomes of mail that was handed in."""

    WAITING = "waiting"  # not tried yet, or put off
    SENDING = "sending"
    SENT = "sent"  # the service has taken it for all its recipients
    REFUSED = "refused"  # for one of them at least, for good


class Summary(Struct, frozen=True, kw_only=True):
    """What a list shows of a message. Texts are decoded, bounded and without controls."""

    number: int  # never given again
    folder: str
    date_utc: int  # what Date says; where it says nothing, the arrival
    arrived_utc: int  # when it came into this folder
    size_octets: int
    flags: int = 0
    author: str = ""  # the name, the address where there is none
    author_address: str = ""
    recipients: str = ""
    subject: str = ""
    preview: str = ""  # how the text begins
    has_attachments: bool = False
    unique_id: str = ""  # the service's, empty for what did not come from there
    # It only tells of mail that lies at the service still, and is nowhere else.
    is_stand_in: bool = False

    def __repr__(self) -> str:
        return f"Summary({self.number})"

    def has(self, flag: Flag) -> bool:
        """Say whether its user did that with it."""
        return bool(self.flags & flag)

    @property
    def is_read(self) -> bool:
        """Its user has opened it."""
        return self.has(Flag.READ)


class Recipient(Struct, frozen=True):
    """A recipient of mail that waits; `words` are what the service said last, made printable."""

    address: str
    state: State = State.WAITING
    words: str = ""

    def __repr__(self) -> str:
        return f"Recipient({self.state.value})"


class Waiting(Struct, frozen=True, kw_only=True):
    """A message in the outbox, or one that left it lately: `is_over` says which."""

    number: int
    reverse_path: str
    recipients: tuple[Recipient, ...]
    since_utc: int
    subject: str = ""
    state: State = State.WAITING
    attempts: int = 0
    due_utc: int = 0  # the next attempt is not earlier
    words: str = ""  # why the last attempt brought nothing, for people
    report: dict[str, int] = {}  # what the sanitiser took away: kinds and counts
    ended_utc: int = 0

    def __repr__(self) -> str:
        return f"Waiting({self.number})"

    @property
    def is_over(self) -> bool:
        """Nothing more will become of it; the message itself is gone."""
        return self.state in _OVER


_OVER = frozenset((State.SENT, State.REFUSED))


@dataclass(frozen=True, slots=True)
class FolderCount:
    """How much lies in a folder."""

    name: str
    total: int
    unread: int


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a folder's list; `total` counts all that the query found."""

    total: int
    summaries: Sequence[Summary]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message is cleaned, durable and will be sent; what was taken from it, by kind."""

    number: int
    report: Mapping[str, int] = field(default_factory=dict)


class Phase(Enum):
    """What fetching does."""

    IDLE = "idle"
    CONNECTING = "connecting"
    FETCHING = "fetching"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far fetching is. `text` is a public constant: why it failed, for people."""

    phase: Phase = Phase.IDLE
    fetched: int = 0
    total: int = 0
    octets: int = 0  # that came of this round's messages
    total_octets: int = 0
    text: str = ""
    ended_utc: int = 0  # of the last round that succeeded
