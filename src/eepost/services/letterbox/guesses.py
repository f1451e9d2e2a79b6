# SPDX-License-Identifier: Apache-2.0
"""Bounds wrong passwords, so that a program or a page on this machine that guesses gets nowhere.

While there are too many, right ones are not looked at either, or guessing would go on. What is
open stays open.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from eepost.letters.ports import WrongPassword

# A user and all his programs with an old password need some; nobody finds one by thirty thousand
# a day, and the service, which is asked about them, is not made to shut his account.
GUESSES: Final = 20
WITHIN_SECONDS: Final = 60


class TooManyGuesses(Exception):  # noqa: N818 - an outcome for the user, not a fault
    """Too many wrong passwords came lately; in a minute they are looked at again."""


class Guesses:
    """Wrong passwords for one identity."""

    def __init__(self, now_utc: Callable[[], int]) -> None:
        self._now_utc = now_utc
        self._wrong: deque[int] = deque(maxlen=GUESSES)  # when they came; those under way, too

    @property
    def are_too_many(self) -> bool:
        """Nothing is looked at now."""
        # A clock that was set back ends it too.
        oldest = self._wrong[0] if len(self._wrong) == GUESSES else -WITHIN_SECONDS
        return 0 <= self._now_utc() - oldest < WITHIN_SECONDS

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count what is tried inside, unless the password was not what was wrong.

        Raises TooManyGuesses.
        """
        if self.are_too_many:
            raise TooManyGuesses
        came = self._now_utc()
        self._wrong.append(came)
        try:
            yield
        except WrongPassword:
            raise
        except BaseException:
            self._forget(came)
            raise
        self._forget(came)

    def _forget(self, came: int) -> None:
        if came in self._wrong:
            self._wrong.remove(came)
