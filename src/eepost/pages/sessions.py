# SPDX-License-Identifier: Apache-2.0
"""Who is signed in: sessions live in memory on the server, a browser holds a random number.

A restart ends all of them. Only a keyed hash of the number is kept, so that memory alone lets
nobody in.

Trust: cookies come from anybody.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

VISIT_OCTETS = 32
# Without a word from the browser; a forgotten terminal is somebody else's then.
IDLE_SECONDS = 1_800.0
# However busy; a stolen number is worth something for so long.
LONGEST_SECONDS = 43_200.0
# About 6 kB each. Beyond it the one that was silent longest ends.
MAX_SESSIONS = 4_096
MAX_SESSIONS_PER_OWNER = 16


@dataclass(slots=True, repr=False)
class Session:
    """One browser that signed in; sites add what they know of its user."""

    owner: Hashable  # sessions of one owner are counted, and may be ended, together
    begun: float = field(default=0.0, init=False)
    seen: float = field(default=0.0, init=False)
    # Shown once on the next page, then forgotten: a notice, a recovery code.
    notice: str = field(default="", init=False)
    secret: str = field(default="", init=False)


SessionT = TypeVar("SessionT", bound=Session)


class Sessions(Generic[SessionT]):
    """All sessions. `clock` gives seconds that only rise; `ended` is told of each that ends."""

    def __init__(
        self,
        key: bytes,
        clock: Callable[[], float],
        ended: Callable[[SessionT], None] = lambda _: None,
    ) -> None:
        self._key = key
        self._clock = clock
        self._ended = ended
        self._found: OrderedDict[bytes, SessionT] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def enter(self, number: bytes, session: SessionT) -> SessionT:
        """Begin `session` under `number`, VISIT_OCTETS random octets never used before."""
        self.forget_expired()
        own = [tag for tag, each in self._found.items() if each.owner == session.owner]
        for tag in own[: len(own) - MAX_SESSIONS_PER_OWNER + 1]:
            self._drop(tag)
        if len(self._found) >= MAX_SESSIONS:
            self._drop(next(iter(self._found)))
        session.begun = session.seen = self._clock()
        self._found[self._tag(number)] = session
        return session

    def find(self, number: bytes) -> SessionT | None:
        """Return the session under `number` if there is one that still holds."""
        tag = self._tag(number)
        session = self._found.get(tag)
        if session is None:
            return None
        now = self._clock()
        if _is_over(session, now):
            self._drop(tag)
            return None
        session.seen = now
        self._found.move_to_end(tag)
        return session

    def end(self, number: bytes) -> None:
        """Sign out."""
        self._drop(self._tag(number))

    def end_all_of_owner(self, owner: Hashable) -> int:
        """Sign every browser of the owner out and return how many there were."""
        own = [tag for tag, each in self._found.items() if each.owner == owner]
        for tag in own:
            self._drop(tag)
        return len(own)

    def has(self, owner: Hashable) -> bool:
        """Say whether any browser of the owner is signed in."""
        return any(each.owner == owner for each in self._found.values())

    def forget_expired(self) -> None:
        """End sessions that were silent, or there, for too long."""
        now = self._clock()
        for tag in [tag for tag, each in self._found.items() if _is_over(each, now)]:
            self._drop(tag)

    def _drop(self, tag: bytes) -> None:
        session = self._found.pop(tag, None)
        if session is not None:
            self._ended(session)

    def _tag(self, number: bytes) -> bytes:
        return hashlib.blake2b(number, key=self._key, digest_size=16).digest()


def _is_over(session: Session, now: float) -> bool:
    return now - session.seen > IDLE_SECONDS or now - session.begun > LONGEST_SECONDS
