# SPDX-License-Identifier: Apache-2.0
"""What stands before a new account: a captcha, computed work, an invitation; and rates.

Duty: slow down who would make accounts by the thousand, with what works without JavaScript and
without telling who somebody is. The operator combines the gates; each that is named must be passed.

Trust: anybody who can reach the port, programs above all.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from hmac import compare_digest

from eepost.accounts.invitations import Invitation, Invitations
from eepost.queue.hashcash import read_stamp

CAPTCHA_DIGITS = 5
# A person needs a minute, with a voice two; guessing in that time is bounded by one try each.
CAPTCHA_SECONDS = 600.0
# 100 octets each.
MAX_CAPTCHAS = 10_000
HOUR_SECONDS = 3_600.0
MAX_PEERS = 20_000
# Accounts, passwords and keys that are being made at once: each takes a core for some tenths of a
# second, and logins wait behind them.
MAX_UNDER_WAY = 4
# Digits that are being drawn or spoken, or wait for it: one at a time, up to 0.4 s each, for
# anybody who asks. Beyond it a browser shows none, and its user asks again.
MAX_DRAWN = 16


class Gate(Enum):
    """The kinds of gates; the values are those of the settings."""

    CAPTCHA = "captcha"
    HASHCASH = "hashcash"
    INVITATION = "invitation"


class Shut(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """A gate was not passed: a sentence for each field ("" for the whole form)."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("a gate was not passed")
        self.problems = problems


class Captchas:
    """The digits that browsers were shown; each is good for one try. `clock` only rises."""

    def __init__(self, clock: Callable[[], float], randomness: Callable[[int], bytes]) -> None:
        self._clock = clock
        self._randomness = randomness
        self._asked: OrderedDict[bytes, tuple[float, str]] = OrderedDict()

    def ask(self, number: bytes) -> str:
        """Return fresh digits for the browser, instead of those before."""
        chosen = int.from_bytes(self._randomness(8), "big") % 10**CAPTCHA_DIGITS
        digits = f"{chosen:0{CAPTCHA_DIGITS}d}"
        self._asked.pop(number, None)
        self._asked[number] = (self._clock(), digits)
        while len(self._asked) > MAX_CAPTCHAS:
            self._asked.popitem(last=False)
        return digits

    def asked(self, number: bytes) -> str | None:
        """Return the digits that the browser has to write, None where there are none."""
        at, digits = self._asked.get(number, (0.0, ""))
        return digits if digits and self._clock() - at <= CAPTCHA_SECONDS else None

    def passes(self, number: bytes, written: str) -> bool:
        """Say whether these are the digits; whatever they were, the next try needs new ones."""
        digits = self.asked(number)
        self._asked.pop(number, None)
        given = "".join(written.split()).encode()
        return digits is not None and compare_digest(given, digits.encode("ascii"))


@dataclass(slots=True)
class Rate:
    """So many in an hour, counted as a bucket that fills evenly."""

    most: float
    clock: Callable[[], float]
    _levels: OrderedDict[bytes, tuple[float, float]] = field(default_factory=OrderedDict)

    def is_free(self, key: bytes) -> bool:
        """Say whether there is one more, without taking it."""
        return self._level(key) + 1 <= self.most

    def take(self, key: bytes) -> None:
        """Count one."""
        self._levels[key] = (self._level(key) + 1, self.clock())
        self._levels.move_to_end(key)
        if len(self._levels) > MAX_PEERS:
            self._levels.popitem(last=False)

    def _level(self, key: bytes) -> float:
        level, at = self._levels.get(key, (0.0, 0.0))
        return max(0.0, level - (self.clock() - at) * self.most / HOUR_SECONDS)


@dataclass(frozen=True, slots=True)
class Gates:
    """All that stands before a new account."""

    kinds: frozenset[Gate]
    captchas: Captchas
    invitations: Invitations
    hashcash_bits: int
    everybody: Rate
    each_peer: Rate
    under_way: list[int] = field(default_factory=lambda: [0])
    drawn: list[int] = field(default_factory=lambda: [0])
    _pen: asyncio.Lock = field(default_factory=asyncio.Lock)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Take a turn at making an account, password or keys. Raises Shut while many others do."""
        if self.under_way[0] >= MAX_UNDER_WAY:
            raise Shut(
                {"": "Many people make accounts or keys here right now. Try again in a minute."}
            )
        self.under_way[0] += 1
        try:
            yield
        finally:
            self.under_way[0] -= 1

    @asynccontextmanager
    async def pen(self) -> AsyncIterator[None]:
        """Wait for a turn at drawing digits. Raises Shut while too many others do."""
        if self.drawn[0] >= MAX_DRAWN:
            raise Shut({})
        self.drawn[0] += 1
        try:
            async with self._pen:
                yield
        finally:
            self.drawn[0] -= 1

    def check_rates(self, peer: bytes | None) -> None:
        """Raise Shut where too many accounts were made lately."""
        if not self.everybody.is_free(b"") or (
            peer is not None and not self.each_peer.is_free(peer)
        ):
            raise Shut(
                {
                    "": "Too many accounts were made here in the last hour. This is no fault of"
                    " yours: try again later."
                }
            )

    def count(self, peer: bytes | None) -> None:
        """Count an account that was made."""
        self.everybody.take(b"")
        if peer is not None:
            self.each_peer.take(peer)

    def check(
        self, number: bytes, form: Mapping[str, str], address: str, now_utc: int
    ) -> Invitation | None:
        """Raise Shut unless every gate is passed; return the invitation that has to be used up.

        `number` is the browser's, `address` the one that is asked for.
        """
        problems: dict[str, str] = {}
        invitation = None
        if Gate.CAPTCHA in self.kinds and not self.captchas.passes(number, form.get("digits", "")):
            problems["digits"] = "These were not the digits. Here are new ones."
        if Gate.HASHCASH in self.kinds and not self._is_stamped(form, address, now_utc):
            problems["stamp"] = f"This is no stamp of {self.hashcash_bits} bits for {address}."
        if Gate.INVITATION in self.kinds:
            invitation = self.invitations.read(form.get("invitation", ""), now_utc // 86_400)
            if invitation is None:
                problems["invitation"] = "This is no invitation, or it has run out."
        if problems:
            raise Shut(problems)
        return invitation

    def _is_stamped(self, form: Mapping[str, str], address: str, now_utc: int) -> bool:
        # Bound to the address, which nobody ever gets a second time: no stamp needs remembering.
        stamp = read_stamp(form.get("stamp", ""), {address}, now_utc)
        return stamp is not None and stamp.bits >= self.hashcash_bits
