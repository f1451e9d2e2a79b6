# SPDX-License-Identifier: Apache-2.0
"""How many new mails each bound account has, and when that may be said.

Delivery only ever calls `arrived`, which adds to a table of bounded size and does nothing else:
whatever becomes of IRC, mail is not held up. What is in the table is forgotten at a restart.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from eepost.accounts.model import Account
from eepost.accounts.preferences import IrcBinding

# 300 octets each. More than that wait only where IRC has been away for days.
MAX_ITEMS = 10_000


@dataclass(slots=True)
class Item:
    """News for one account."""

    number: int = field(repr=False)
    name: str = field(repr=False)
    nick: str = field(repr=False)
    count: int
    due: float
    waits_for_nick: bool = False  # put off until it appears, as far as is known here


class News:
    """Counts new mails and draws the instants at which they may be told.

    `clock` gives seconds that only rise, `now_utc` the wall clock's, `chance` numbers in [0, 1).
    """

    __slots__ = ("_chance", "_clock", "_heap", "_items", "_now_utc", "_wake", "missed")

    def __init__(
        self,
        clock: Callable[[], float],
        now_utc: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._now_utc = now_utc
        self._chance = chance
        self._items: dict[int, Item] = {}
        # (due, number); entries that do not fit their item any more are passed over.
        self._heap: list[tuple[float, int]] = []
        self._wake: Callable[[], None] = lambda: None
        self.missed = 0

    def __len__(self) -> int:
        return len(self._items)

    def wakes(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever there is something new to wait for."""
        self._wake = wake

    def arrived(self, account: Account) -> None:
        """Count one more mail; called for every delivery."""
        binding = account.preferences.irc
        if binding is None:
            return
        item = self._items.get(account.number)
        if item is not None:
            item.count += 1
        elif len(self._items) < MAX_ITEMS:
            item = Item(account.number, account.name, binding.nick, 1, 0.0)
            self._items[account.number] = item
            self.put_off(item, self.delay(binding))
        else:
            self.missed += 1

    def delay(self, binding: IrcBinding) -> float:
        """Draw how long news has to wait: anywhere in the window, after any quiet time.

        Every instant of the window is as likely, so the notice tells no more about the arrival
        than the window itself.
        """
        quiet = max(0.0, binding.quiet_until_utc - self._now_utc())
        return quiet + binding.window_minutes * 60 * self._chance()

    def is_quiet(self, binding: IrcBinding) -> bool:
        """Whether nothing is to be said yet."""
        return binding.quiet_until_utc > self._now_utc()

    def take_due(self, now: float) -> Iterator[Item]:
        """Return what is due; each is given back by `told`, `put_off` or `drop`."""
        while self._heap and self._heap[0][0] <= now:
            due, number = heapq.heappop(self._heap)
            item = self._items.get(number)
            if item is not None and item.due == due:
                yield item

    def next_due(self) -> float | None:
        """Return when something is due next."""
        return self._heap[0][0] if self._heap else None

    def put_off(self, item: Item, seconds: float, *, until_seen: bool = False) -> None:
        """Let it wait."""
        item.due = self._clock() + seconds
        item.waits_for_nick = until_seen
        heapq.heappush(self._heap, (item.due, item.number))
        self._wake()

    def told(self, item: Item, count: int, binding: IrcBinding) -> None:
        """Forget `count` mails; those that came meanwhile are news of their own."""
        item.count -= count
        if item.count > 0:
            self.put_off(item, self.delay(binding))
        else:
            self.drop(item)

    def drop(self, item: Item) -> None:
        """Forget it."""
        self._items.pop(item.number, None)

    def holds(self, item: Item) -> bool:
        """Whether it was not dropped meanwhile."""
        return self._items.get(item.number) is item

    def bound_anew(self, number: int, binding: IrcBinding | None) -> None:
        """Let the account's news wait as its new binding has it; without one there is none."""
        item = self._items.get(number)
        if item is None:
            return
        if binding is None:
            self.drop(item)
        else:
            item.nick = binding.nick
            self.put_off(item, self.delay(binding))

    def waiting_for_nicks(self) -> list[Item]:
        """Return what is put off until somebody appears."""
        return [each for each in self._items.values() if each.waits_for_nick]
