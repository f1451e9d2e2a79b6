# SPDX-License-Identifier: Apache-2.0
"""Counts the sessions that each account has at one service, so that none takes all places.

Tells of each one that begins, so that an owner can be shown how often his account was opened.

Where the router does not tell peers apart, this is the only bound on what one user can hold.
"""

from collections.abc import Callable


class Places:
    """At most `most` sessions of one account at once."""

    __slots__ = ("_most", "_taken", "_tell")

    def __init__(self, most: int, tell: Callable[[int], None] = lambda _: None) -> None:
        self._most = most
        self._tell = tell
        self._taken: dict[int, int] = {}

    def take(self, account: int) -> bool:
        """Take a place, or say that there is none; each taken one is given back by `leave`."""
        taken = self._taken.get(account, 0)
        if taken >= self._most:
            return False
        self._taken[account] = taken + 1
        self._tell(account)
        return True

    def leave(self, account: int) -> None:
        """Give a place back."""
        left = self._taken[account] - 1
        if left:
            self._taken[account] = left
        else:
            del self._taken[account]
