# SPDX-License-Identifier: Apache-2.0
"""Slows guessing of passwords, per account and per peer, without locking the owner out.

Duty: say how long an attempt has to wait, growing with each wrong one to a few seconds and fading
with time. Must not refuse for good: a lock would hand anybody the means to lock anybody out. Two
kinds of attempt are therefore counted apart from a flood of guesses, each in a bucket of its own:
those from a peer from which the account has logged in before, and those with a password that looks
like the last right one by sixteen bits of a keyed hash; a guess does so once in 65,536 times. Since
the start of the program a first right login has to be there for either; until then a flood costs
the owner a wait of seconds, or a "try later" while too many wait at once. A login that is
remembered as right does not come here at all.

Trust: names, passwords and peers come from anybody who can reach a port; only keyed hashes of them
are kept, in tables of bounded size. The sixteen bits would let somebody who reads the memory of the
running program try passwords faster; he could as well wait for one to be used.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

# Typing errors cost nothing.
FREE_ATTEMPTS = 3
FIRST_DELAY_SECONDS = 0.5
# Every mail client waits this long; 8 s with 8 waiting are 86,000 guesses a day for one account.
# (Those that are under way when the first turns out wrong come on top, once in some minutes: they
# are as many as may wait for an Argon2id computation.)
MAX_DELAY_SECONDS = 8.0
MAX_WAITING = 8
# A level is halved in this time, so ten minutes after a flood all is as before.
HALF_LIFE_SECONDS = 120.0
# Wrong attempts beyond this add nothing: more would only make the fading longer.
MAX_LEVEL = 12.0
# 120 octets each. Filling the table to push one out takes as many Argon2id computations.
MAX_BUCKETS = 16_384

_TAG_OCTETS = 16
_HINT_OCTETS = 2


@dataclass(slots=True)
class _Bucket:
    level: float = 0.0
    at: float = 0.0
    waiting: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Attempt:
    """One attempt under way: how long it has to wait, and what it counts against."""

    delay_seconds: float
    tags: tuple[bytes, ...]
    pair: bytes | None
    account: bytes
    hint: bytes


class Throttle:
    """Counts wrong passwords. `now` is any clock that only rises."""

    __slots__ = ("_buckets", "_hints", "_key", "_known", "_max_buckets")

    def __init__(self, process_key: bytes, max_buckets: int = MAX_BUCKETS) -> None:
        self._key = process_key
        self._max_buckets = max_buckets
        self._buckets: OrderedDict[bytes, _Bucket] = OrderedDict()
        # Pairs of account and peer that a right login came from.
        self._known: OrderedDict[bytes, None] = OrderedDict()
        # Of the last right password of an account.
        self._hints: OrderedDict[bytes, bytes] = OrderedDict()

    def enter(self, name: str, password: str, peer: bytes | None, now: float) -> Attempt | None:
        """Let an attempt begin; None where too many that have to wait do so already.

        Only attempts that turned out wrong count: a mail client that opens ten connections at once
        is not slowed. An unknown peer (None) has no bucket of its own, since all of them in one
        would slow everybody. Each Attempt must be given back to `refused`, `accepted` or
        `abandoned`, once.
        """
        pair = None if peer is None else self._tag(b"pair", name, peer)
        account = self._tag(b"account", name, b"")
        hint = self._tag(b"hint", name, password.encode("utf-8", "surrogatepass"))[:_HINT_OCTETS]
        if self._hints.get(account) == hint:
            tags: tuple[bytes, ...] = (self._tag(b"hinted", name, b""),)
        else:
            tags = self._tags(account, peer, pair)
        buckets = [self._faded(tag, now) for tag in tags]
        delay = max(_delay(bucket.level) for bucket in buckets)
        if delay:
            if any(bucket.waiting >= MAX_WAITING for bucket in buckets):
                return None
            for bucket in buckets:
                bucket.waiting += 1
        return Attempt(delay, tags, pair, account, hint)

    def refused(self, attempt: Attempt) -> None:
        """The password was wrong."""
        for bucket in self._left(attempt):
            bucket.level = min(MAX_LEVEL, bucket.level + 1)

    def accepted(self, attempt: Attempt) -> None:
        """The password was right: the peer is known for this account from now on.

        What counted before stays, or an attacker with an account of his own could wash his peer
        clean with it.
        """
        self._left(attempt)
        self._hints[attempt.account] = attempt.hint
        self._hints.move_to_end(attempt.account)
        if len(self._hints) > self._max_buckets:
            self._hints.popitem(last=False)
        if attempt.pair is not None:
            self._known[attempt.pair] = None
            self._known.move_to_end(attempt.pair)
            if len(self._known) > self._max_buckets:
                self._known.popitem(last=False)

    def abandoned(self, attempt: Attempt) -> None:
        """The attempt ended without an answer about the password."""
        self._left(attempt)

    def _left(self, attempt: Attempt) -> list[_Bucket]:
        # A bucket that is missing was the oldest of too many.
        buckets = [self._buckets[tag] for tag in attempt.tags if tag in self._buckets]
        if attempt.delay_seconds:
            for bucket in buckets:
                bucket.waiting = max(0, bucket.waiting - 1)
        return buckets

    def _tags(self, account: bytes, peer: bytes | None, pair: bytes | None) -> tuple[bytes, ...]:
        if pair is not None and pair in self._known:
            return (pair,)
        return (account,) if peer is None else (account, self._tag(b"peer", "", peer))

    def _faded(self, tag: bytes, now: float) -> _Bucket:
        bucket = self._buckets.get(tag)
        if bucket is None:
            bucket = self._buckets[tag] = _Bucket(at=now)
            if len(self._buckets) > self._max_buckets:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(tag)
        bucket.level *= 0.5 ** (max(0.0, now - bucket.at) / HALF_LIFE_SECONDS)
        bucket.at = now
        return bucket

    def _tag(self, kind: bytes, name: str, peer: bytes) -> bytes:
        text = name.encode("utf-8", "surrogatepass")
        text = len(text).to_bytes(4, "big") + text + peer
        return hashlib.blake2b(
            text, key=self._key, digest_size=_TAG_OCTETS, person=b"eeth " + kind
        ).digest()


def _delay(level: float) -> float:
    if level < FREE_ATTEMPTS:
        return 0.0
    delay: float = FIRST_DELAY_SECONDS * 2 ** (level - FREE_ATTEMPTS)
    return min(MAX_DELAY_SECONDS, delay)
