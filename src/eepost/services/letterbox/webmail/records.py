# SPDX-License-Identifier: Apache-2.0
"""Small records that an account keeps sealed: its OpenPGP keys and its address book."""

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from msgspec import Struct, field

from eepost.mail.mailbox import Mailbox as Person
from eepost.services.letterbox.ports import Mailbox
from eepost.services.letterbox.webmail.desk import Visit
from eepost.services.letterbox.webmail.openpgp import MAX_CERTIFICATES_OCTETS, KeyRing

_KEYS: Final = "openpgp"
_BOOK: Final = "address book"
# People in the address book; those not written to for longest go first. 100 octets each.
MAX_PEOPLE: Final = 5_000
MAX_NAME_CHARACTERS: Final = 100


class Entry(Struct, frozen=True):
    """Somebody whom the user writes to."""

    address: str
    name: str = ""
    last_utc: int = 0  # when he was last written to

    def __repr__(self) -> str:
        return "Entry()"


class Book(Struct, frozen=True):
    """The user's own address book, by address in lower case."""

    people: dict[str, Entry] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "Book()"

    def found(self, words: str) -> list[Entry]:
        """Return those in whom every word stands, who was written to last in front."""
        wanted = words.casefold().split()
        people = sorted(self.people.values(), key=lambda each: (-each.last_utc, each.address))
        texts = ((each, f"{each.name} {each.address}".casefold()) for each in people)
        return [each for each, text in texts if all(word in text for word in wanted)]

    def with_people(self, people: list[Person], now_utc: int) -> "Book":
        """Return the book with people that were written to now; known names stay."""
        entries = dict(self.people)
        for each in people:
            key = str(each.address).lower()
            known = entries.get(key)
            name = known.name if known is not None and known.name else each.name
            entries[key] = Entry(str(each.address), name[:MAX_NAME_CHARACTERS], now_utc)
        kept = sorted(entries.items(), key=lambda pair: -pair[1].last_utc)[:MAX_PEOPLE]
        return Book(dict(kept))

    def without(self, address: str) -> "Book":
        """Return the book without somebody."""
        return Book({key: each for key, each in self.people.items() if key != address.lower()})


T = TypeVar("T", KeyRing, Book)


async def key_ring(mailbox: Mailbox) -> KeyRing:
    """Return the account's OpenPGP keys."""
    return await _read(mailbox, _KEYS, KeyRing)


async def book(mailbox: Mailbox) -> Book:
    """Return the account's address book."""
    return await _read(mailbox, _BOOK, Book)


async def change_keys(visit: Visit, change: Callable[[KeyRing], KeyRing]) -> bool:
    """Keep other keys; False where there would be too many. Raises DiskFull."""
    async with visit.desk.turn:
        ring = change(await key_ring(visit.mailbox))
        if sum(map(len, ring.certificates.values())) > MAX_CERTIFICATES_OCTETS:
            return False
        await visit.mailbox.keep(_KEYS, msgspec.msgpack.encode(ring))
    return True


async def change_book(visit: Visit, change: Callable[[Book], Book]) -> None:
    """Keep another address book. Raises DiskFull."""
    async with visit.desk.turn:
        made = change(await book(visit.mailbox))
        await visit.mailbox.keep(_BOOK, msgspec.msgpack.encode(made))


async def _read(mailbox: Mailbox, name: str, kind: type[T]) -> T:
    octets = await mailbox.kept(name)
    return msgspec.msgpack.decode(octets, type=kind) if octets else kind()
