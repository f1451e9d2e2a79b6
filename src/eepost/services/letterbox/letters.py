# SPDX-License-Identifier: Apache-2.0
"""One unlocked account; satisfies `ports.Mailbox`.

Whatever changes is durable first and shows afterwards. All changes go through one thread, so they
are in the log in the order in which they were asked for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from eepost.letters.changes import Change, Erased, Filed, Marked, Moved
from eepost.letters.model import (
    Flag,
    Folder,
    FolderCount,
    Order,
    Page,
    Summary,
    Waiting,
)
from eepost.letters.ports import Cabinet, NoSuchMessage
from eepost.letters.summarising import summarise
from eepost.services.letterbox.ports import Offload

Pieces = Sequence[bytes | memoryview]

# Where a user may put messages himself.
_OPEN_FOLDERS: Final = frozenset(Folder) - {Folder.OUTBOX}


@dataclass(frozen=True, slots=True)
class Keeping:
    """How an account's letters are reached: the opened cabinet, its thread, the clock."""

    cabinet: Cabinet
    offload: Offload
    now_utc: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Letters:
    """What lies in one account: everything of `ports.Mailbox` but the service's part."""

    keeping: Keeping

    def folders(self) -> Sequence[FolderCount]:
        """Return all folders with what lies in them."""
        return self.keeping.cabinet.shelf.folders()

    def summaries(
        self, folder: str, *, order: Order, query: str = "", start: int = 0, count: int = 50
    ) -> Page:
        """Return a stretch of a folder."""
        return self.keeping.cabinet.shelf.page(folder, order, query, start, count)

    def summary(self, number: int) -> Summary:
        """Return the summary of one message. Raises NoSuchMessage."""
        found = self.keeping.cabinet.shelf.messages.get(number)
        if found is None:
            raise NoSuchMessage
        return found

    async def message(self, number: int) -> bytes:
        """Return a message in CRLF lines. Raises NoSuchMessage."""
        return await self.keeping.offload(partial(self.keeping.cabinet.read, number))

    async def file(self, folder: str, message: bytes, *, flags: Flag = Flag.NONE) -> int:
        """Keep a message and return its number, durable. Raises DiskFull."""
        _require_open(folder)
        return await self.put([message], partial(self._filed, folder, message, flags))

    def _filed(self, folder: str, message: bytes, flags: Flag, number: int) -> list[Change]:
        now = self.keeping.now_utc()
        return [Filed(summarise(message, number, folder, now, flags=int(flags)))]

    async def put(self, pieces: Pieces, changes: Callable[[int], Sequence[Change]]) -> int:
        """Keep octets under a new number, and with it the changes that it gives. Raises DiskFull.

        `changes` is called on the cabinet's thread.
        """
        shelf = self.keeping.cabinet.shelf
        number = shelf.next_number
        shelf.next_number += 1
        made = await self.keeping.offload(partial(self._write, number, pieces, changes))
        self._apply(made)
        return number

    def _write(
        self, number: int, pieces: Pieces, changes: Callable[[int], Sequence[Change]]
    ) -> Sequence[Change]:
        made = changes(number)
        self.keeping.cabinet.store(number, pieces, made)
        return made

    async def change(self, *changes: Change) -> None:
        """Note changes; durable on return. Raises DiskFull."""
        await self.keeping.offload(partial(self.keeping.cabinet.record, changes))
        self._apply(changes)

    def _apply(self, changes: Sequence[Change]) -> None:
        for each in changes:
            self.keeping.cabinet.shelf.apply(each)

    async def move(self, numbers: Sequence[int], folder: str) -> None:
        """Put messages into another folder."""
        _require_open(folder)
        if numbers := self._own(numbers):
            await self.change(Moved(numbers, folder, self.keeping.now_utc()))

    async def erase(self, numbers: Sequence[int]) -> None:
        """Remove messages for good."""
        if numbers := self._own(numbers):
            await self.change(Erased(numbers))
            await self.remove(numbers)

    async def drop(self, number: int) -> None:
        """Take a message out of the outbox unsent. Raises DiskFull."""
        await self.change(Erased((number,)))
        await self.remove([number])

    async def remove(self, numbers: Sequence[int]) -> None:
        """Remove the octets of messages that are in no folder any more."""
        await self.keeping.offload(partial(self.keeping.cabinet.remove, tuple(numbers)))

    async def mark(self, numbers: Sequence[int], flag: Flag, is_set: bool) -> None:
        """Set a flag or take it away."""
        shelf = self.keeping.cabinet.shelf
        changed = [
            each for each in self._own(numbers) if shelf.messages[each].has(flag) is not is_set
        ]
        if changed:
            await self.change(Marked(tuple(changed), int(flag), is_set))

    def _own(self, numbers: Sequence[int]) -> tuple[int, ...]:
        """Return those of the numbers that a user may do something with."""
        messages = self.keeping.cabinet.shelf.messages
        found = dict.fromkeys(each for each in numbers if each in messages)
        return tuple(each for each in found if messages[each].folder != Folder.OUTBOX)

    def waiting(self) -> Sequence[Waiting]:
        """Return what waits to be sent, then what was sent or refused lately."""
        return self.keeping.cabinet.shelf.waiting()

    async def keep(self, name: str, value: bytes) -> None:
        """Keep a small sealed record, b"" for none. Raises DiskFull."""
        await self.keeping.offload(partial(self.keeping.cabinet.keep, f"kept:{name}", value))

    async def kept(self, name: str) -> bytes | None:
        """Return what `keep` was given."""
        return await self.keeping.offload(partial(self.keeping.cabinet.kept, f"kept:{name}"))


def _require_open(folder: str) -> None:
    if folder not in _OPEN_FOLDERS:
        raise ValueError("nothing can be put into this folder")
