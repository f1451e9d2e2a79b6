# SPDX-License-Identifier: Apache-2.0
"""A message that waits to leave, and what is known of each of its recipients."""

from dataclasses import dataclass, field
from enum import Enum

from eepost.mail.address import Address
from eepost.mail.envelope import DEFAULT_NOTIFY, Notify, Return
from eepost.queue.release import Departure


class State(Enum):
    """What became of a recipient so far."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Forward:
    """One recipient. No repr shows who it is."""

    address: Address = field(repr=False)
    notify: Notify = DEFAULT_NOTIFY
    is_local: bool = False  # in a maildrop here, delayed with the rest
    state: State = State.WAITING
    status: str = ""  # RFC 3463, of the last word heard
    tried: int = 0  # the attempt that was reported last
    is_told: bool = False  # its end stood in a report


@dataclass(frozen=True, slots=True)
class Item:
    """One accepted message; its content is sealed under `key`, which stands here only.

    The owner is an account that may have been deleted meanwhile; nobody else ever gets its name.
    No repr shows anything that leads to a person.
    """

    number: int = field(repr=False)  # 63 random bits
    owner: int = field(repr=False)  # the account's number
    name: str = field(repr=False)  # the account's name
    key: bytes = field(repr=False)  # 32 random octets
    size_octets: int = field(repr=False)
    accepted_utc: int = field(repr=False)
    departure: Departure
    departs: int = field(repr=False)  # minute of the first leaving, and of the message's Date
    due: int = field(repr=False)  # minute of what happens next
    forwards: tuple[Forward, ...]
    returns: Return = Return.HEADERS
    envelope_id: str | None = field(default=None, repr=False)
    mark: bytes = field(default=b"", repr=False)  # header fields of ours for local copies
    attempt: int = 0  # the one that is under way or was last; 0: none yet
    gateway: str | None = field(default=None, repr=False)  # that had the last attempt
    waited_seconds: int = 0  # planned so far after attempts that ended without the end
    is_held: bool = False  # until the operator releases it
    is_warned: bool = False  # its owner heard of a delay

    @property
    def waiting(self) -> bool:
        """Some recipient's end is not known yet."""
        return any(each.state is State.WAITING for each in self.forwards)
