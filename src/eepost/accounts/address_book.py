# SPDX-License-Identifier: Apache-2.0
"""The address book: who wants to be found, and their OpenPGP certificates.

Duty: answer from memory for as long as no account has changed. Must show nobody who did not ask to
be shown, and nothing of anybody but name and certificate.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eepost.accounts.certificates import Certificate, read_certificate
from eepost.accounts.model import State
from eepost.accounts.ports import AccountStore, Compute

# What one search shows; over a slow route a page has to stay small.
MAX_SHOWN = 50
# Entries kept in memory, 200 octets each; an office with more needs another index than a list.
MAX_ENTRIES = 100_000
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
    by_name: Mapping[str, Entry] = field(default_factory=dict)
    by_web_key: Mapping[str, Entry] = field(default_factory=dict)


class AddressBook:
    """Finds entries. Every method may raise StoreUnavailable."""

    __slots__ = ("_compute", "_epoch", "_index", "_store")

    def __init__(self, store: AccountStore, compute: Compute) -> None:
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
        """Return the entry with this name."""
        return (await self._current()).by_name.get(name.lower())

    async def by_web_key(self, hashed: str) -> Entry | None:
        """Return the entry that a Web Key Directory asks for by `hashed` (see `web_key_hash`)."""
        return (await self._current()).by_web_key.get(hashed)

    async def certificate(self, entry: Entry) -> Certificate | None:
        """Return the certificate of an entry, if it has one."""
        octets = await self._compute(lambda: self._store.certificate(entry.number))
        return None if octets is None else read_certificate(octets)

    async def _current(self) -> _Index:
        epoch = self._store.epoch()
        if epoch != self._epoch:
            self._index = await self._compute(self._read)
            self._epoch = epoch
        return self._index

    def _read(self) -> _Index:
        entries = [
            Entry(each.number, each.name)
            for each in self._store.accounts()
            if each.preferences.is_listed and each.state is State.ENABLED
        ][:MAX_ENTRIES]
        return _Index(
            entries,
            {each.name: each for each in entries},
            {web_key_hash(each.name): each for each in entries},
        )


def web_key_hash(local_part: str) -> str:
    """Return what a Web Key Directory calls the key of a local part: 32 characters."""
    # SHA-1 because the protocol says so; nothing rests on it.
    digest = hashlib.sha1(local_part.lower().encode(), usedforsecurity=False).digest()
    number = int.from_bytes(digest, "big")
    return "".join(_ZBASE32[number >> shift & 31] for shift in range(155, -1, -5))
