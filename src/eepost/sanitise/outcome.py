# SPDX-License-Identifier: Apache-2.0
"""What comes of sanitising a message."""

from collections.abc import Sequence
from dataclasses import dataclass

from eepost.mail.reply import Reply
from eepost.sanitise.report import Report


@dataclass(frozen=True, slots=True)
class Sanitised:
    """The message as it may go on: pieces in order, CRLF lines, not dot-stuffed.

    Pieces may be views of the input, so that a large body is not copied.
    """

    pieces: Sequence[bytes | memoryview]
    report: Report
    thread_ids: tuple[bytes, ...] = ()  # identifiers it holds, its own first, without brackets

    @property
    def size_octets(self) -> int:
        """Octets of all pieces."""
        return sum(map(len, self.pieces))


@dataclass(frozen=True, slots=True)
class Refused:
    """The message may not pass; `reply` says why, in public words."""

    reply: Reply
    report: Report
