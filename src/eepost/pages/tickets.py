# SPDX-License-Identifier: Apache-2.0
"""Tickets: what a form must bring back to be acted on, once, and only from the same browser.

A ticket is a time, random octets and a keyed hash over both, the browser's number and the page.
Another site can't make one (it knows no number), another page's does not fit, and a form that is
sent twice acts once.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto
from hmac import compare_digest

# Long enough to write a key's passphrase down and to make a hashcash stamp; bounds what is
# remembered of tickets that were used.
LIFETIME_SECONDS = 14_400
MAX_USED = 65_536
_NONCE_OCTETS = 12
_TIME_OCTETS = 6
_HASH_OCTETS = 16
_OCTETS = _TIME_OCTETS + _NONCE_OCTETS + _HASH_OCTETS
_CHARACTERS = 46  # of that in base 64 without padding


class Verdict(Enum):
    """What a ticket is good for."""

    GOOD = auto()
    USED = auto()  # the form was sent before
    WRONG = auto()  # another browser's or page's, too old, or made up


class Tickets:
    """Makes and takes tickets. `clock` gives seconds that only rise."""

    __slots__ = ("_clock", "_key", "_randomness", "_used")

    def __init__(
        self, key: bytes, clock: Callable[[], float], randomness: Callable[[int], bytes]
    ) -> None:
        self._key = key
        self._clock = clock
        self._randomness = randomness
        self._used: OrderedDict[bytes, int] = OrderedDict()

    def make(self, number: bytes, path: str) -> str:
        """Return a ticket for the form at `path` in the browser with `number`."""
        head = self._now().to_bytes(_TIME_OCTETS, "big") + self._randomness(_NONCE_OCTETS)
        return urlsafe_b64encode(head + self._hash(head, number, path)).decode("ascii").rstrip("=")

    def take(self, ticket: str, number: bytes, path: str) -> Verdict:
        """Say what `ticket` is good for, and let a good one be good once."""
        if len(ticket) != _CHARACTERS or not ticket.isascii():
            return Verdict.WRONG
        try:
            octets = urlsafe_b64decode(ticket + "==")
        except (NotBase64, ValueError):
            return Verdict.WRONG
        head, given = octets[:-_HASH_OCTETS], octets[-_HASH_OCTETS:]
        if len(octets) != _OCTETS or not compare_digest(given, self._hash(head, number, path)):
            return Verdict.WRONG
        made = int.from_bytes(head[:_TIME_OCTETS], "big")
        if self._now() - made > LIFETIME_SECONDS:
            return Verdict.WRONG
        if given in self._used:
            return Verdict.USED
        self._remember(given)
        return Verdict.GOOD

    def _remember(self, given: bytes) -> None:
        now = self._now()
        self._used[given] = now
        while self._used:
            oldest, at = next(iter(self._used.items()))
            if now - at <= LIFETIME_SECONDS and len(self._used) <= MAX_USED:
                return
            del self._used[oldest]

    def _now(self) -> int:
        return int(self._clock())

    def _hash(self, head: bytes, number: bytes, path: str) -> bytes:
        said = head + len(number).to_bytes(2, "big") + number + path.encode()
        return hashlib.blake2b(said, key=self._key, digest_size=_HASH_OCTETS).digest()
