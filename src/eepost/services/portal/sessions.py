# SPDX-License-Identifier: Apache-2.0
"""Who is signed in: sessions live in memory on the server, a browser holds a random number.

A restart ends all of them. Only a keyed hash of the number is kept, so that memory alone lets
nobody in.

Trust: cookies come from anybody.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from eepost.accounts.model import Account

VISIT_OCTETS = 32
# Without a word from the browser; a forgotten terminal is somebody else's then.
IDLE_SECONDS = 1_800.0
# However busy; a stolen number is worth something for so long.
LONGEST_SECONDS = 43_200.0
# About 6 kB each with the account. Beyond it the one that was silent longest ends.
MAX_SESSIONS = 4_096
MAX_SESSIONS_PER_ACCOUNT = 16


@dataclass(slots=True, repr=False)
class Session:
    """One browser that signed in."""

    account: Account
    epoch: int  # of the accounts, when the login was last known to be in force
    begun: float
    seen: float
    # Shown once on the next page, then forgotten: a notice, a recovery code.
    notice: str = ""
    secret: str = field(default="", repr=False)


class Sessions:
    """All sessions. `clock` gives seconds that only rise."""

    __slots__ = ("_clock", "_found", "_key")

    def __init__(self, key: bytes, clock: Callable[[], float]) -> None:
        self._key = key
        self._clock = clock
        self._found: OrderedDict[bytes, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def begin(self, number: bytes, account: Account, epoch: int) -> Session:
        """Sign `account` in under `number`, VISIT_OCTETS random octets never used before."""
        self.forget_expired()
        own = [tag for tag, each in self._found.items() if each.account.number == account.number]
        for tag in own[: len(own) - MAX_SESSIONS_PER_ACCOUNT + 1]:
            del self._found[tag]
        if len(self._found) >= MAX_SESSIONS:
            self._found.popitem(last=False)
        now = self._clock()
        session = self._found[self._tag(number)] = Session(account, epoch, now, now)
        return session

    def find(self, number: bytes) -> Session | None:
        """Return the session under `number` if there is one that still holds."""
        tag = self._tag(number)
        session = self._found.get(tag)
        if session is None:
            return None
        now = self._clock()
        if now - session.seen > IDLE_SECONDS or now - session.begun > LONGEST_SECONDS:
            del self._found[tag]
            return None
        session.seen = now
        self._found.move_to_end(tag)
        return session

    def end(self, number: bytes) -> None:
        """Sign out."""
        self._found.pop(self._tag(number), None)

    def end_all_of(self, account: Account) -> int:
        """Sign every browser of the account out and return how many there were."""
        own = [tag for tag, each in self._found.items() if each.account.number == account.number]
        for tag in own:
            del self._found[tag]
        return len(own)

    def forget_expired(self) -> None:
        """Forget sessions that were silent for too long; the longest silent stand first."""
        now = self._clock()
        while self._found:
            tag, session = next(iter(self._found.items()))
            if now - session.seen <= IDLE_SECONDS:
                return
            del self._found[tag]

    def _tag(self, number: bytes) -> bytes:
        return hashlib.blake2b(number, key=self._key, digest_size=16).digest()
