# SPDX-License-Identifier: Apache-2.0
"""Puts off who was never seen: a real mail server comes again, a program that floods does not.

In memory only, and of a triple of network, sender and recipient nothing but a keyed hash: a seized
gateway knows nobody's correspondents from this. A restart forgets all; mail is late then, not lost.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

MAX_ENTRIES = 100_000  # of about 150 octets each
_HASH_OCTETS = 16


@dataclass(frozen=True, slots=True)
class GreylistTimes:
    """How long who waits for what, in seconds."""

    wait: float = 300.0  # before a second try counts
    try_again: float = 86_400.0  # within which it has to come
    remember: float = 2_592_000.0  # a network that has shown patience is not asked again


class Greylist:
    """Asks for patience once."""

    __slots__ = ("_clock", "_key", "_known", "_seen", "_times")

    def __init__(self, key: bytes, times: GreylistTimes, clock: Callable[[], float]) -> None:
        """Take a random key, 16 to 64 octets, made anew at every start."""
        self._key = key
        self._times = times
        self._clock = clock
        self._seen: OrderedDict[bytes, float] = OrderedDict()
        self._known: OrderedDict[bytes, float] = OrderedDict()

    def is_welcome(self, network: bytes, sender: str, recipient: str) -> bool:
        """Say whether mail of this triple is taken now; the first time it is not."""
        now = self._clock()
        place = self._hash(network)
        since = self._known.get(place)
        if since is not None and now - since < self._times.remember:
            _put(self._known, place, now)
            return True
        triple = self._hash(network, sender.lower().encode(), recipient.lower().encode())
        first = self._seen.get(triple)
        if first is None or now - first >= self._times.try_again:
            _put(self._seen, triple, now)
            return False
        if now - first < self._times.wait:
            return False
        del self._seen[triple]
        _put(self._known, place, now)
        return True

    def _hash(self, *parts: bytes) -> bytes:
        digest = blake2b(digest_size=_HASH_OCTETS, key=self._key)
        for part in parts:
            digest.update(len(part).to_bytes(4, "big") + part)
        return digest.digest()


def _put(entries: OrderedDict[bytes, float], name: bytes, value: float) -> None:
    entries[name] = value
    entries.move_to_end(name)
    if len(entries) > MAX_ENTRIES:
        entries.popitem(last=False)
