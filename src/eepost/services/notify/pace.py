# SPDX-License-Identifier: Apache-2.0
"""How fast lines may go out, and how often one nick is answered."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

# Servers cut off whoever sends more than a few lines at once (RFC 2813 5.8: ten seconds' worth).
BURST_LINES: Final = 4
# Lines that may wait. News takes its turn and is never put here in such numbers; a flood of
# questions must find an end, and the server's own must always find room.
MAX_WAITING: Final = 64
# A person who makes mistakes gets answers; a script does not.
ANSWERS_AT_ONCE: Final = 5
ANSWER_SECONDS: Final = 15.0
# For all nicks together, since changing the nick is free: a WHOIS and an answer each, a third of
# what may be sent.
ALL_AT_ONCE: Final = 20
ALL_SECONDS: Final = 6.0
MAX_NICKS: Final = 1_024


@dataclass(slots=True)
class Bucket:
    """Holds `size` tokens and gets one each `seconds_each`."""

    size: float
    seconds_each: float
    level: float
    at: float

    @classmethod
    def full(cls, size: int, seconds_each: float, now: float) -> "Bucket":
        """Return a bucket that nobody has taken from."""
        return cls(size, seconds_each, size, now)

    def take(self, now: float) -> bool:
        """Take a token if there is one."""
        gained = max(0.0, now - self.at) / self.seconds_each
        self.level = min(self.size, self.level + gained)
        self.at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True

    def seconds_until_next(self, now: float) -> float:
        """Return how long until there is a token."""
        gained = max(0.0, now - self.at) / self.seconds_each
        return max(0.0, (1 - self.level - gained) * self.seconds_each)


@dataclass(slots=True)
class Outbox:
    """Lines on their way out: the server's own business, then news, then answers to anybody."""

    bucket: Bucket
    at_once: bytearray = field(default_factory=bytearray)  # registration, and PONG
    news: deque[bytes] = field(default_factory=deque)
    answers: deque[bytes] = field(default_factory=deque)

    def first(self, line: bytes) -> None:
        """Send it with the next octets. What a server can make us say so is bounded."""
        if len(self.at_once) < MAX_WAITING * 512:
            self.at_once += line

    def tell(self, line: bytes) -> bool:
        """Send it before any answer. False where too much waits."""
        return _put(self.news, line)

    def answer(self, line: bytes) -> bool:
        """Send it when nothing else waits. False where too much does."""
        return _put(self.answers, line)

    def take(self, now: float) -> bytes:
        """Return what may go out now."""
        octets = bytes(self.at_once)
        self.at_once.clear()
        while (waiting := self.news or self.answers) and self.bucket.take(now):
            octets += waiting.popleft()
        return octets

    def due(self, now: float) -> float | None:
        """Return when `take` has something, None if nothing waits."""
        if self.at_once:
            return now
        if not self.news and not self.answers:
            return None
        return now + self.bucket.seconds_until_next(now)


class Patience:
    """Whom to answer still."""

    __slots__ = ("_all", "_nicks")

    def __init__(self, now: float) -> None:
        self._all = Bucket.full(ALL_AT_ONCE, ALL_SECONDS, now)
        self._nicks: OrderedDict[str, Bucket] = OrderedDict()

    def bears(self, nick: str, now: float) -> bool:
        """Whether one more question of `nick` is to be answered."""
        bucket = self._nicks.pop(nick, None) or Bucket.full(ANSWERS_AT_ONCE, ANSWER_SECONDS, now)
        self._nicks[nick] = bucket
        if len(self._nicks) > MAX_NICKS:
            self._nicks.popitem(last=False)
        return bucket.take(now) and self._all.take(now)


def _put(waiting: deque[bytes], line: bytes) -> bool:
    if len(waiting) >= MAX_WAITING:
        return False
    waiting.append(line)
    return True
