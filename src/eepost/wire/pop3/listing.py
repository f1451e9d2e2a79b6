# SPDX-License-Identifier: Apache-2.0
"""The maildrop as one session sees it: message numbers that stay, and what it wants deleted."""

from collections.abc import Iterable, Sequence
from operator import attrgetter

from eepost.wire.pop3.events import Entry

_SIZE = attrgetter("size_octets")


class Listing:
    """Message numbers (from 1) over indexes (from 0) into the owner's entries.

    The owner's sequence is kept as it is: a copy for each of thousands of idle sessions would
    cost more than everything else that a session holds.
    """

    __slots__ = ("_deleted", "_deleted_octets", "_entries", "_octets")

    def __init__(self) -> None:
        self._entries: Sequence[Entry] = ()
        self._octets = 0
        self._deleted: set[int] = set()
        self._deleted_octets = 0

    def append(self, entries: Sequence[Entry]) -> None:
        """Give the next numbers to `entries`; those already given stay."""
        self._octets += sum(map(_SIZE, entries))
        if not self._entries:
            self._entries = entries
        elif entries:
            self._entries = [*self._entries, *entries]

    def index_of(self, number: int) -> int | None:
        """Return the index behind a message number, None if there is no such message (left)."""
        index = number - 1
        if 0 <= index < len(self._entries) and index not in self._deleted:
            return index
        return None

    def entry(self, index: int) -> Entry:
        """Return the entry at an index that `index_of` gave."""
        return self._entries[index]

    def delete(self, index: int) -> None:
        """Mark a message; it shows nowhere until `undelete`."""
        self._deleted.add(index)
        self._deleted_octets += self._entries[index].size_octets

    def undelete(self) -> None:
        """Take all marks away."""
        self._deleted.clear()
        self._deleted_octets = 0

    @property
    def deleted(self) -> Sequence[int]:
        """The indexes that are marked, ascending."""
        return sorted(self._deleted)

    @property
    def count(self) -> int:
        """How many messages are not marked."""
        return len(self._entries) - len(self._deleted)

    @property
    def octets(self) -> int:
        """The size of all that are not marked."""
        return self._octets - self._deleted_octets

    def sizes(self) -> bytes:
        """Return a line "number octets" for every message that is not marked."""
        lines = [f"{number} {entry.size_octets}\r\n" for number, entry in self._remaining()]
        return "".join(lines).encode("ascii")

    def unique_ids(self) -> bytes:
        """Return a line "number unique-id" for every message that is not marked."""
        lines = [f"{number} {entry.unique_id}\r\n" for number, entry in self._remaining()]
        return "".join(lines).encode("ascii")

    def _remaining(self) -> Iterable[tuple[int, Entry]]:
        numbered = enumerate(self._entries, 1)
        deleted = self._deleted
        if not deleted:
            return numbered
        return (pair for pair in numbered if pair[0] - 1 not in deleted)
