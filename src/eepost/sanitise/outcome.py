# SPDX-License-Identifier: Apache-2.0
"""What comes of sanitising a message."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from eepost.mail.reply import Reply
from eepost.sanitise.report import Report
from eepost.sanitise.sent_ids import GivenId


@dataclass(frozen=True, slots=True)
class Sanitised:
    """The message as it may go on: pieces in order, CRLF lines, not dot-stuffed.

    The first piece is the whole header with its empty line. Others may be views of the input, so
    that a large body is not copied.
    """

    pieces: Sequence[bytes | memoryview] = field(repr=False)
    report: Report
    # Identifiers that it holds, its own first, without brackets: what its recipients were given.
    thread_ids: tuple[bytes, ...] = field(default=(), repr=False)
    # What to remember for its sender, so that answers name what his program knows.
    given_id: GivenId | None = None

    @property
    def size_octets(self) -> int:
        """Octets of all pieces."""
        return sum(map(len, self.pieces))


@dataclass(frozen=True, slots=True)
class Refused:
    """The message may not pass; `reply` says why, in public words."""

    reply: Reply
    report: Report
