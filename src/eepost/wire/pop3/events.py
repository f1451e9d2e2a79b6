# SPDX-License-Identifier: Apache-2.0
"""What the POP3 engine tells its owner, and what the owner answers.

Every event waits for its own answer (named in its docstring) before anything else happens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Entry:
    """A message as a listing shows it: size in octets with CRLF, un-stuffed, and its unique-id.

    `unique_id` has 1 to 70 characters 0x21 to 0x7E (RFC 1939 7).
    """

    size_octets: int
    unique_id: str


class ResponseCode(Enum):
    """Why a command failed, for programs (RFC 2449 8, RFC 3206)."""

    AUTH = "AUTH"  # the credentials are wrong
    SYS_TEMP = "SYS/TEMP"  # try again later, the password may be right
    SYS_PERM = "SYS/PERM"  # an operator has to look at it
    IN_USE = "IN-USE"
    LOGIN_DELAY = "LOGIN-DELAY"


@dataclass(frozen=True, slots=True)
class Connected:
    """The stream is open. Answer: Proceed greets, Refused turns the peer away."""


@dataclass(frozen=True, slots=True)
class LoginGiven:
    """USER and PASS (RFC 1939 7). Answer: Admitted or Refused."""

    login: str
    password: str

    def __repr__(self) -> str:
        return "LoginGiven()"  # neither belongs in a traceback


@dataclass(frozen=True, slots=True)
class RefreshGiven:
    """STAT came. Answer: Arrived with what is new since the last listing; or Refused.

    Mail programs that keep a session open for minutes ask STAT again and again to see new mail.
    """


@dataclass(frozen=True, slots=True)
class MessageWanted:
    """RETR (`body_lines` None) or TOP. Answer: any number of Content, then Finished; or Refused.

    Content is the whole message in CRLF lines, not dot-stuffed: the engine cuts it for TOP.
    `index` counts from 0 through Admitted's and Arrived's entries in the order they were given.
    """

    index: int
    entry: Entry
    body_lines: int | None


@dataclass(frozen=True, slots=True)
class UpdateGiven:
    """QUIT after deletions. Answer: Proceed when they are durable, or Refused.

    It comes, and counts, also when the peer is gone already: some clients do not wait for +OK.
    """

    deleted: Sequence[int]  # ascending indexes as in MessageWanted


Event = Connected | LoginGiven | RefreshGiven | MessageWanted | UpdateGiven


@dataclass(frozen=True, slots=True)
class Proceed:
    """Yes."""


@dataclass(frozen=True, slots=True)
class Refused:
    """No, and why: `text` is public and constant printable ASCII.

    `closes`: the session ends with this answer.
    """

    text: str
    code: ResponseCode | None = None
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Admitted:
    """The login was right; this is the maildrop."""

    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Arrived:
    """Appended to the listing; numbers already given stay."""

    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Content:
    """Some octets of the wanted message; line ends may be cut in two."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Finished:
    """The wanted message is complete."""


Answer = Proceed | Refused | Admitted | Arrived | Content | Finished
