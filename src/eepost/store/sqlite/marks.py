# SPDX-License-Identifier: Apache-2.0
"""Tells without a query whether a maildrop is still as it was when somebody looked.

Whoever takes a mark, then reads, and later finds the mark unchanged has missed nothing whose
sender was told so. Two rules see to that: the lane changes the mark when its commit can be seen
and before it answers anybody (earlier would not do: who took the new mark while the commit was
being flushed would read what was there before); and whoever asks looks first whether another
process's lane wrote since (`Watch.lane`), in which case no mark counts.

Accounts that are deleted take their mail with them and leave their mark as it is.
"""

import threading
from collections.abc import Iterable

# Some 100 octets each. Beyond this all marks change, which costs everybody one query.
MAX_KNOWN = 50_000


class Marks:
    """A number for each maildrop that never comes again; shared by event loop and lane."""

    __slots__ = ("_all", "_latest", "_lock", "_marks")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest = 0
        self._all = 0  # the mark of all maildrops that have none of their own
        self._marks: dict[int, int] = {}

    def of(self, account: int) -> int:
        """Return the maildrop's mark."""
        with self._lock:
            return self._marks.get(account, self._all)

    def changed(self, accounts: Iterable[int]) -> None:
        """Note that the lane put something into these maildrops or took something out."""
        with self._lock:
            self._latest += 1
            self._marks.update(dict.fromkeys(accounts, self._latest))
            if len(self._marks) > MAX_KNOWN:
                self._change_all()

    def forget(self) -> None:
        """Change all marks: another lane wrote."""
        with self._lock:
            self._latest += 1
            self._change_all()

    def _change_all(self) -> None:
        self._all = self._latest
        self._marks.clear()
