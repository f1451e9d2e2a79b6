# SPDX-License-Identifier: Apache-2.0
"""The envelope: who gets a message and who hears of it when that fails (RFC 5321 2.3.1, 3461)."""

from dataclasses import dataclass
from enum import Enum, Flag, auto

from eepost.mail.address import Address


class Notify(Flag):
    """When the sender wants a report about a recipient (RFC 3461 4.1)."""

    NEVER = 0
    SUCCESS = auto()
    FAILURE = auto()
    DELAY = auto()


# RFC 3461 4.1: what holds where NOTIFY was not given.
DEFAULT_NOTIFY = Notify.FAILURE | Notify.DELAY


class Return(Enum):
    """How much of the message a failure report brings back (RFC 3461 4.3)."""

    FULL = "FULL"
    HEADERS = "HDRS"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A forward-path and the reports that were asked for. ORCPT is checked and then forgotten."""

    address: Address
    notify: Notify = DEFAULT_NOTIFY


@dataclass(frozen=True, slots=True)
class ReversePath:
    """Who is told of failures: `address` None is the null reverse-path (RFC 5321 4.5.5).

    `size_octets` is what SIZE declared (RFC 1870); `envelope_id` is ENVID as decoded text: shown
    in reports to its own user, never sent on.
    """

    address: Address | None
    size_octets: int | None = None
    is_utf8: bool = False
    returns: Return = Return.HEADERS
    envelope_id: str | None = None
