# SPDX-License-Identifier: Apache-2.0
"""The address book: who wants to be found, and their OpenPGP certificates.

Duty: answer from memory for as long as no account has changed, and then for a moment longer: any
user can change something again and again, and every reading goes through all accounts. Must show
nobody who did not ask to be shown, and nothing of anybody but name and certificate.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from eepost.accounts.certificates import Certificate, read_certificate
from eepost.accounts.model import Account, State
from eepost.accounts.names import local_name
from eepost.accounts.ports import AccountStore, Compute

# What one search shows; over a slow route a page has to stay small.
MAX_SHOWN = 50
# Entries kept in memory, 200 octets each; an office with more needs another index than a list.
MAX_ENTRIES = 100_000
# After a reading the book rests so many times as long as that took beyond what nobody notices, up
# to so long: who asks to be shown is then found a moment later.
REST = 20
UNNOTICED_SECONDS = 0.05
MAX_REST_SECONDS = 60.0
# RFC draft-koch-openpgp-webkey-service 3.1, as z-base-32 writes it.
_ZBASE32 = "ybndrfg8ejkmcpqxot1uwisza345h769"


@dataclass(frozen=True, slots=True)
class Entry:
    """One account in the book."""

    number: int = field(repr=False)
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class _Index:
    entries: Sequence[Entry] = ()
    by_web_key: Mapping[str, Entry] = field(default_factory=dict)


class AddressBook:
    """Finds entries. Every method may raise StoreUnavailable."""

    __slots__ = ("_clock", "_compute", "_epoch", "_index", "_rests_until", "_store", "_turn")

    def __init__(self, store: AccountStore, compute: Compute, clock: Callable[[], float]) -> None:
        """Take a clock of seconds that only goes forward."""
        self._clock = clock
        self._rests_until = float("-inf")
        self._turn = asyncio.Lock()
        self._store = store
        self._compute = compute
        self._epoch: int | None = None
        self._index = _Index()

    async def search(self, text: str) -> Sequence[Entry]:
        """Return up to MAX_SHOWN entries whose name holds `text`, first those that begin so."""
        wanted = text.strip().lower()
        entries = (await self._current()).entries
        found = [each for each in entries if wanted in each.name]
        found.sort(key=lambda each: (not each.name.startswith(wanted), each.name))
        return found[:MAX_SHOWN]

    async def find(self, name: str) -> Entry | None:
        """Return the entry with this name, as it is at this moment."""
        normal = local_name(name)
        if normal is None:
            return None
        account = await self._compute(lambda: self._store.find(normal))
        return None if account is None or not _is_shown(account) else _entry(account)

    async def by_web_key(self, hashed: str) -> Entry | None:
        """Return the entry that a Web Key Directory asks for by `hashed` (see `web_key_hash`)."""
        found = (await self._current()).by_web_key.get(hashed)
        return None if found is None else await self.find(found.name)

    async def certificate(self, entry: Entry) -> Certificate | None:
        """Return the certificate of an entry, if it has one."""
        octets = await self._compute(lambda: self._store.certificate(entry.number))
        return None if octets is None else read_certificate(octets)

    async def _current(self) -> _Index:
        if self._is_due():
            async with self._turn:
                if self._is_due():  # nobody else has read it meanwhile
                    await self._renew()
        return self._index

    def _is_due(self) -> bool:
        return self._store.epoch() != self._epoch and self._clock() >= self._rests_until

    async def _renew(self) -> None:
        epoch, began = self._store.epoch(), self._clock()
        self._index = await self._compute(self._read)
        self._epoch = epoch
        now = self._clock()
        took = max(0.0, now - began - UNNOTICED_SECONDS)
        self._rests_until = now + min(REST * took, MAX_REST_SECONDS)

    def _read(self) -> _Index:
        entries = [_entry(each) for each in self._store.accounts() if _is_shown(each)][:MAX_ENTRIES]
        return _Index(
            entries,
            {web_key_hash(each.name): each for each in entries},
        )


def _is_shown(account: Account) -> bool:
    return account.preferences.is_listed and account.state is State.ENABLED


def _entry(account: Account) -> Entry:
    return Entry(account.number, account.name)


def web_key_hash(local_part: str) -> str:
    """Return what a Web Key Directory calls the key of a local part: 32 characters."""
    # SHA-1 because the protocol says so; nothing rests on it.
    digest = hashlib.sha1(local_part.lower().encode(), usedforsecurity=False).digest()
    number = int.from_bytes(digest, "big")
    return "".join(_ZBASE32[number >> shift & 31] for shift in range(155, -1, -5))
