# SPDX-License-Identifier: Apache-2.0
"""Remembers which maildrops are empty, so that a poll of one costs no thread and no query.

Must never say "empty" of a maildrop that holds mail whose sender was told so. What was found
empty therefore counts at the mark (see `Marks`) that was taken before the look, and whoever asks
looks first whether another process's lane wrote since.
"""

from eepost.store.sqlite.marks import Marks

# Some 100 octets each. Who is dropped costs one query at his next poll.
MAX_KNOWN = 50_000


class Vacancy:
    """What is known to be empty; shared by the event loop and the lane."""

    __slots__ = ("_empty", "_marks")

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._empty: dict[int, int] = {}

    def is_known(self, account: int) -> bool:
        """Whether the maildrop is empty for sure, unless another lane wrote."""
        return self._empty.get(account) == self._marks.of(account)

    def found_empty(self, account: int, mark: int) -> None:
        """Note that a look which began at `mark` found nothing."""
        if len(self._empty) >= MAX_KNOWN:
            self._empty.clear()
        self._empty[account] = mark
