# SPDX-License-Identifier: Apache-2.0
"""Tokens by which an account shows on IRC that it wants to hear of its mail there.

The portal makes one for whoever is signed in; the notifier takes it from whoever sends it. They
live in memory only: a restart makes them void, which costs a user a press of a button.

Trust: what is taken comes from anybody on IRC, through a server that may keep what it sees. A
token is therefore good once and for a quarter of an hour, and a new one ends the one before.
"""

import hashlib
from base64 import b32encode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest

from eepost.accounts.model import Account

# Long enough to log in on IRC over a slow route; short enough that a token in a client's log, or
# in a server's, is worth nothing.
LIFETIME_SECONDS = 900.0
# 200 octets each; whoever makes more pushes the oldest out.
MAX_TOKENS = 4_096
# 128 bits, as 26 characters that are easily read aloud and typed.
_TOKEN_OCTETS = 16
TOKEN_CHARACTERS = 26


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose token it was."""

    number: int = field(repr=False)
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class _Token:
    hashed: bytes
    holder: Holder
    expires: float


class BindingTokens:
    """Makes and takes tokens. `clock` gives seconds that only rise."""

    __slots__ = ("_clock", "_key", "_randomness", "_tokens")

    def __init__(
        self, key: bytes, clock: Callable[[], float], randomness: Callable[[int], bytes]
    ) -> None:
        self._key = key
        self._clock = clock
        self._randomness = randomness
        self._tokens: OrderedDict[int, _Token] = OrderedDict()  # by the account's number

    def make(self, account: Account) -> str:
        """Return a token for the account; an earlier one of its is void from now on."""
        text = b32encode(self._randomness(_TOKEN_OCTETS)).decode("ascii").rstrip("=").lower()
        self._tokens.pop(account.number, None)
        self._tokens[account.number] = _Token(
            self._hash(text),
            Holder(account.number, account.name),
            self._clock() + LIFETIME_SECONDS,
        )
        if len(self._tokens) > MAX_TOKENS:
            self._tokens.popitem(last=False)
        return text

    def take(self, text: str) -> Holder | None:
        """Return whose token this is and make it void; None for any other text."""
        if len(text) != TOKEN_CHARACTERS:
            return None
        self._forget_expired()
        given = self._hash(text.lower())
        # Every one is compared, so that the time tells nothing of which one was near.
        found = [
            each.holder for each in self._tokens.values() if compare_digest(each.hashed, given)
        ]
        if not found:
            return None
        del self._tokens[found[0].number]
        return found[0]

    def _forget_expired(self) -> None:
        now = self._clock()
        while self._tokens and next(iter(self._tokens.values())).expires <= now:
            self._tokens.popitem(last=False)

    def _hash(self, text: str) -> bytes:
        digest = hashlib.blake2b(key=self._key, digest_size=32, person=b"eepost irc 1")
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.digest()
