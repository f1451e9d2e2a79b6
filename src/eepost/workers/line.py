# SPDX-License-Identifier: Apache-2.0
"""Where messages wait for a worker: by turns of those whose they are, not of the messages.

So who hands in a thousand heavy messages at once delays his own, and another's single one waits for
a worker to be free, not for the thousand.
"""

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass, field

# One owner may have this part of all waiting places: some are always left for others.
OWNER_PART = 4


class LineFull(Exception):  # noqa: N818 - an outcome for the pool
    """Too many wait already."""


@dataclass(slots=True)
class Line:
    """`places` may be taken at once, `most_waiting` may wait for one."""

    places: int
    most_waiting: int
    _waiting: int = 0
    _turns: OrderedDict[str, deque[asyncio.Future[None]]] = field(default_factory=OrderedDict)

    async def take(self, whose: str) -> None:
        """Take a place, now or when it is the turn of `whose`. Raises LineFull.

        All that is nobody's (an empty name) takes turns as one, and may fill the line.
        """
        if self.places:
            self.places -= 1
            return
        own = len(self._turns.get(whose, ())) if whose else 0
        if self._waiting >= self.most_waiting or own * OWNER_PART >= self.most_waiting:
            raise LineFull
        turn = asyncio.get_running_loop().create_future()
        self._turns.setdefault(whose, deque()).append(turn)
        self._waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()  # the place came in the same instant
            raise

    def give(self) -> None:
        """Give a place back: to who is next, if anybody waits."""
        while self._turns:
            turn = self._next()
            if not turn.done():  # else it was cancelled while it waited
                turn.set_result(None)
                return
        self.places += 1

    def _next(self) -> asyncio.Future[None]:
        whose, own = next(iter(self._turns.items()))
        turn = own.popleft()
        self._waiting -= 1
        if own:
            self._turns.move_to_end(whose)
        else:
            del self._turns[whose]
        return turn
