# SPDX-License-Identifier: Apache-2.0
"""Seals messages on their way into a maildrop, to a key that only its owner can open.

Duty: two layers that keep both the promise and the speed. For each account a fresh sealing key is
encapsulated to its public key at most once in a window (0.1 ms), and messages are sealed under that
symmetric key (some microseconds). Must not keep a sealing key for longer than the window: what is
forgotten, nobody who takes the machine can find.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from eepost.maildrop.entry import UNIQUE_ID_CHARACTERS, encapsulation_context, pack_entry
from eepost.maildrop.model import Encapsulation, SealedMessage, thread_period_of
from eepost.seal.keypair import PublicKey, encapsulate
from eepost.seal.randomness import Randomness
from eepost.seal.segments import Octets, SealingKey, seal_entry, seal_message

# A seized machine opens what came in the last window at most; a shorter one costs more
# encapsulations, in CPU here and at every login.
WINDOW_SECONDS = 300
# About 2 kB each; above, the oldest key is forgotten early, which costs 0.1 ms.
MAX_KEYS = 4_096

_SECOND = 1_000_000_000
_NUMBER_OCTETS = 8
_BASE32 = b"abcdefghijklmnopqrstuvwxyz234567"
# Octet -> base32 digit: 26 random octets become 130 random bits of text without any arithmetic.
_DIGITS = _BASE32 * 8


class CurrentKey(Protocol):
    """The generation of an account's key pair that new mail is sealed to."""

    @property
    def generation(self) -> int:
        """Counts from 1."""

    @property
    def public_key(self) -> bytes:
        """As `PublicKey.octets`."""


class Owner(Protocol):
    """Whose maildrop it is: an account, as far as sealing needs to know one."""

    @property
    def number(self) -> int:
        """63 random bits."""

    @property
    def current_key(self) -> CurrentKey:
        """The generation to seal to."""


@dataclass(frozen=True, slots=True, repr=False)
class _Window:
    """A sealing key in use, with what its owner needs to find it again."""

    key: SealingKey
    encapsulation: Encapsulation
    opened_ns: int


class Sealer:
    """Seals messages for accounts; holds at most `max_keys` sealing keys, in memory only.

    Threads may share it: at worst two of them make a key for the same account at once, and both
    keys are good.
    """

    __slots__ = ("_last_order", "_max_keys", "_randomness", "_window_ns", "_windows")

    def __init__(
        self,
        randomness: Randomness,
        window_seconds: int = WINDOW_SECONDS,
        max_keys: int = MAX_KEYS,
    ) -> None:
        self._randomness = randomness
        self._window_ns = window_seconds * _SECOND
        self._max_keys = max_keys
        self._windows: dict[int, _Window] = {}  # by account, oldest first
        self._last_order = 0

    def seal(
        self,
        owner: Owner,
        pieces: Sequence[Octets],
        now_ns: int,
        thread_tags: Collection[bytes] = (),
    ) -> SealedMessage:
        """Return the message that `pieces` make up (CRLF lines, not dot-stuffed), sealed.

        `now_ns` is wall clock time; number and unique-id are new and random, so that copies for
        several recipients have nothing in common. Raises SealBroken where the owner's public key
        is none.
        """
        window = self._window(owner, now_ns)
        chance = self._randomness(_NUMBER_OCTETS + UNIQUE_ID_CHARACTERS)
        number = int.from_bytes(chance[:_NUMBER_OCTETS], "big") >> 1
        unique_id = chance[_NUMBER_OCTETS:].translate(_DIGITS)
        segments, padded_octets = seal_message(window.key, number, pieces)
        entry = pack_entry(
            self._next_order(now_ns), sum(map(len, pieces)), unique_id, now_ns // _SECOND
        )
        return SealedMessage(
            number,
            owner.number,
            window.encapsulation,
            seal_entry(window.key, number, entry),
            padded_octets,
            segments,
            thread_tags,
            thread_period_of(now_ns // _SECOND),
        )

    def forget_expired(self, now_ns: int) -> None:
        """Forget the keys whose window is over; to be called often enough to mean it."""
        for account, window in list(self._windows.items()):
            if not self._is_open(window, now_ns):
                self._windows.pop(account, None)

    def forget(self, account: int) -> None:
        """Forget the key of an account at once (it was deleted, or has new keys)."""
        self._windows.pop(account, None)

    def _window(self, owner: Owner, now_ns: int) -> _Window:
        account, current = owner.number, owner.current_key
        window = self._windows.get(account)
        if (
            window is None
            or window.encapsulation.generation != current.generation
            or not self._is_open(window, now_ns)
        ):
            self.forget(account)
            window = self._fresh_window(account, current, now_ns)
            self._windows[account] = window
            self._make_room()
        return window

    def _fresh_window(self, account: int, current: CurrentKey, now_ns: int) -> _Window:
        public = PublicKey.from_octets(current.public_key)
        key = self._randomness(32)
        number = int.from_bytes(self._randomness(_NUMBER_OCTETS), "big") >> 1
        context = encapsulation_context(account, current.generation, number)
        octets = encapsulate(public, key, context)
        encapsulation = Encapsulation(number, account, current.generation, octets)
        return _Window(SealingKey(key), encapsulation, now_ns)

    def _is_open(self, window: _Window, now_ns: int) -> bool:
        # A clock that was set back must not keep a key for longer.
        return window.opened_ns <= now_ns < window.opened_ns + self._window_ns

    def _make_room(self) -> None:
        for account in list(self._windows)[: len(self._windows) - self._max_keys]:
            self._windows.pop(account, None)

    def _next_order(self, now_ns: int) -> int:
        # Strictly ascending also when the clock stands still or is set back while we run.
        self._last_order = max(now_ns, self._last_order + 1)
        return self._last_order
