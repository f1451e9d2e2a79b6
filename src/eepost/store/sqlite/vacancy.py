# SPDX-License-Identifier: Apache-2.0
"""Remembers which maildrops are empty, so that a poll of one costs no thread and no query.

Must never say "empty" of a maildrop that holds committed mail. Three rules see to that: the lane
forgets a maildrop before it commits mail into it; a reader that found one empty may only say so if
the lane did not touch it meanwhile; and whoever asks looks first whether another process's lane
wrote since (`Watch.lane`), in which case nothing here counts.
"""

import threading

# Some 100 octets each. Who is dropped costs one query at his next poll.
MAX_KNOWN = 50_000


class Vacancy:
    """What is known to be empty; shared by the event loop, the lane and the readers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._empty: set[int] = set()
        self._looking: dict[int, object] = {}

    def is_known(self, account: int) -> bool:
        """Whether the maildrop is empty for sure, unless another lane wrote."""
        return account in self._empty

    def look(self, account: int) -> object:
        """Begin a look into the store; give what is returned to `found_empty`."""
        ticket = object()
        with self._lock:
            self._looking[account] = ticket
        return ticket

    def found(self, account: int, ticket: object, *, empty: bool) -> None:
        """End a look. What it found counts unless mail came meanwhile."""
        with self._lock:
            if self._looking.get(account) is not ticket:
                return
            del self._looking[account]
            if empty:
                self._remember(account)

    def emptied(self, account: int) -> None:
        """Note that the lane took out the last message and committed that."""
        with self._lock:
            self._remember(account)

    def filled(self, accounts: "set[int]") -> None:
        """Forget these maildrops; called before mail for them is committed."""
        with self._lock:
            self._empty -= accounts
            for account in accounts & self._looking.keys():
                del self._looking[account]

    def forget(self) -> None:
        """Know nothing any more: another lane wrote."""
        with self._lock:
            self._empty.clear()
            self._looking.clear()

    def _remember(self, account: int) -> None:
        if len(self._empty) >= MAX_KNOWN:
            self._empty.clear()
        self._empty.add(account)
