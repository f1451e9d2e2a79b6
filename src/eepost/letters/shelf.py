# SPDX-License-Identifier: Apache-2.0
"""One letterbox in memory, as its log of changes has made it: lists, searches, what waits.

Applying a change twice, or to what is gone meanwhile, does no harm: two windows of one user may
act on the same message.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from eepost.letters.changes import (
    Change,
    Ended,
    Erased,
    Filed,
    Marked,
    Moved,
    Remembered,
    Spooled,
    Threaded,
    Vanished,
)
from eepost.letters.model import Flag, Folder, FolderCount, Order, Page, Summary, Waiting

# Message identifiers of so many threads are remembered, each way; a reply to older mail begins a
# thread of its own.
MAX_THREAD_TAGS = 20_000
# Of what was sent or refused, so many are shown; enough to look back on a day.
MAX_ENDED_SHOWN = 100

_FOLDERS: Final = tuple(folder.value for folder in Folder)
_READ: Final = Flag.READ.value  # plain numbers: thousands are looked at for each page
_ORDERS: Final[Mapping[Order, tuple[Callable[[Summary], Any], bool]]] = {
    Order.NUMBER: (lambda each: each.number, False),
    Order.NEWEST: (lambda each: (each.date_utc, each.number), True),
    Order.OLDEST: (lambda each: (each.date_utc, each.number), False),
    Order.AUTHOR: (lambda each: (each.author.casefold(), -each.number), False),
    Order.RECIPIENTS: (lambda each: (each.recipients.casefold(), -each.number), False),
    Order.SUBJECT: (lambda each: (each.subject.casefold(), -each.number), False),
    Order.LARGEST: (lambda each: (each.size_octets, each.number), True),
}


class Shelf:
    """Made empty; `apply` each change of the log in its order."""

    __slots__ = (
        "_ended",
        "_sorted",
        "_texts",
        "_waiting",
        "known",
        "messages",
        "next_number",
        "originals",
        "thread_tags",
        "unwanted",
    )

    def __init__(self) -> None:
        self.messages: dict[int, Summary] = {}
        self.next_number = 1
        self.known: set[str] = set()  # unique-ids at the service that need not be fetched again
        self.unwanted: set[str] = set()  # those of them that are to be deleted there
        self.thread_tags: dict[bytes, None] = {}  # of identifiers that came, oldest first
        self.originals: dict[bytes, bytes] = {}  # by tags of identifiers that left, oldest first
        self._waiting: dict[int, Waiting] = {}
        self._ended: dict[int, Waiting] = {}
        self._texts: dict[int, str] = {}  # what is searched, folded once
        self._sorted: dict[tuple[str, Order], list[Summary]] = {}

    # What it shows.

    def folders(self) -> list[FolderCount]:
        """Return every folder, in the order in which people look for them."""
        totals = dict.fromkeys(_FOLDERS, 0)
        unread = dict.fromkeys(_FOLDERS, 0)
        for each in self.messages.values():
            totals[each.folder] += 1
            unread[each.folder] += not each.flags & _READ
        return [FolderCount(folder, totals[folder], unread[folder]) for folder in _FOLDERS]

    def page(self, folder: str, order: Order, query: str, start: int, count: int) -> Page:
        """Return a stretch of what lies in `folder` and holds every word of `query`."""
        listed = self._in_order(folder, order)
        words = query.casefold().split()
        if words:
            texts = self._texts
            listed = [each for each in listed if all(word in texts[each.number] for word in words)]
        start = max(0, start)
        return Page(len(listed), listed[start : start + max(0, count)])

    def waiting(self) -> list[Waiting]:
        """Return what waits, oldest first, then what ended lately, latest first."""
        ended = sorted(self._ended.values(), key=lambda each: each.ended_utc, reverse=True)
        return [*self.due_order(), *ended]

    def due_order(self) -> list[Waiting]:
        """Return what waits in the order in which it is due."""
        return sorted(self._waiting.values(), key=lambda each: (each.due_utc, each.number))

    def find_waiting(self, number: int) -> Waiting | None:
        """Return what waits under a number, None if nothing does any more."""
        return self._waiting.get(number)

    def left_there(self) -> set[str]:
        """Return the unique-ids of mail that is known but lies at the service alone."""
        return {each.unique_id for each in self.messages.values() if each.is_stand_in}

    def _in_order(self, folder: str, order: Order) -> Sequence[Summary]:
        found = self._sorted.get((folder, order))
        if found is None:
            key, is_reversed = _ORDERS[order]
            chosen = (each for each in self.messages.values() if each.folder == folder)
            found = sorted(chosen, key=key, reverse=is_reversed)
            self._sorted[folder, order] = found
        return found

    # How it changes.

    def apply(self, change: Change) -> None:
        """Take a change over."""
        self._sorted.clear()
        _APPLY[type(change)](self, change)

    def _file(self, change: Filed) -> None:
        self._put(change.summary)
        if change.summary.unique_id:
            self.known.add(change.summary.unique_id)

    def _move(self, change: Moved) -> None:
        for summary in self._found(change.numbers):
            self._put(replace(summary, folder=change.folder, arrived_utc=change.when_utc))
            if change.folder == Folder.TRASH:
                # Programs delete what they have fetched: this must not take the mail itself along.
                if not summary.is_stand_in:
                    self._disown(summary)
            else:
                self.unwanted.discard(summary.unique_id)

    def _mark(self, change: Marked) -> None:
        for summary in self._found(change.numbers):
            flags = summary.flags | change.flag if change.is_set else summary.flags & ~change.flag
            self._put(replace(summary, flags=flags))

    def _erase(self, change: Erased) -> None:
        for summary in list(self._found(change.numbers)):
            self._disown(summary)
            self._drop(summary.number)

    def _spool(self, change: Spooled) -> None:
        self._waiting[change.waiting.number] = change.waiting
        self.next_number = max(self.next_number, change.waiting.number + 1)

    def _end(self, change: Ended) -> None:
        number = change.waiting.number
        self._waiting.pop(number, None)
        self._drop(number)
        self._ended[number] = change.waiting
        for oldest in list(self._ended)[:-MAX_ENDED_SHOWN]:
            del self._ended[oldest]
        self.next_number = max(self.next_number, number + 1)

    def _forget(self, change: Vanished) -> None:
        self.known.difference_update(change.unique_ids)
        self.unwanted.difference_update(change.unique_ids)

    def _remember(self, change: Remembered) -> None:
        self.next_number = max(self.next_number, change.next_number)
        self.known = set(change.known)
        self.unwanted = set(change.unwanted)

    def _thread(self, change: Threaded) -> None:
        self.thread_tags.update(dict.fromkeys(change.known))
        self.originals.update(change.originals)
        for tag in list(self.thread_tags)[:-MAX_THREAD_TAGS]:
            del self.thread_tags[tag]
        for tag in list(self.originals)[:-MAX_THREAD_TAGS]:
            del self.originals[tag]

    def _found(self, numbers: Sequence[int]) -> Iterator[Summary]:
        found = (self.messages.get(number) for number in numbers)
        return (summary for summary in found if summary is not None)

    def _put(self, summary: Summary) -> None:
        number = summary.number
        if number not in self._texts:
            self._texts[number] = _searched(summary)
        self.messages[number] = summary
        self.next_number = max(self.next_number, number + 1)

    def _drop(self, number: int) -> None:
        self.messages.pop(number, None)
        self._texts.pop(number, None)
        self._waiting.pop(number, None)

    def _disown(self, summary: Summary) -> None:
        if summary.unique_id in self.known:
            self.unwanted.add(summary.unique_id)

    # How it is written anew.

    def snapshot(self) -> Iterator[Change]:
        """Yield the changes that make an equal shelf of an empty one."""
        yield from map(Ended, self._ended.values())
        yield from map(Filed, self.messages.values())
        yield from map(Spooled, self._waiting.values())
        yield Threaded(tuple(self.thread_tags), tuple(self.originals.items()))
        # Last: a service may have forgotten what was filed.
        yield Remembered(self.next_number, tuple(sorted(self.known)), tuple(sorted(self.unwanted)))


def _searched(summary: Summary) -> str:
    texts = (
        summary.author,
        summary.author_address,
        summary.recipients,
        summary.subject,
        summary.preview,
    )
    return "\n".join(texts).casefold()


_APPLY: Final[Mapping[type, Callable[[Shelf, Any], None]]] = {
    Filed: Shelf._file,
    Moved: Shelf._move,
    Marked: Shelf._mark,
    Erased: Shelf._erase,
    Spooled: Shelf._spool,
    Ended: Shelf._end,
    Vanished: Shelf._forget,
    Remembered: Shelf._remember,
    Threaded: Shelf._thread,
}
