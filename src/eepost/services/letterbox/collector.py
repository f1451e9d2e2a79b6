# SPDX-License-Identifier: Apache-2.0
"""Fetches new mail from the service, makes it harmless, keeps it sealed; deletes what was deleted.

A round can break anywhere: what is durable here is known by its unique-id and is not fetched again,
what is not is. Nothing is deleted at the service before its user, or the settings, say so.

Trust: the service may send anything; what it sends is a stranger's mail until it was cleaned.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from msgspec import structs

from eepost.letters.changes import Change, Filed, Vanished
from eepost.letters.model import Folder, Phase, Progress
from eepost.letters.ports import DiskFull
from eepost.letters.summarising import summarise
from eepost.sanitise.cleaner import CleaningFailed, Why
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.services.letterbox.cleaning import Cleaning
from eepost.services.letterbox.ground import Ground
from eepost.services.letterbox.ports import Listed, Maildrop, NotServed

# What the way to the service fetches at most, too (`wire.fetch.limits`).
MAX_MESSAGE_OCTETS: Final = 67_108_864
_BARE: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")
_LATER: Final = frozenset((Why.BUSY, Why.ABSENT))  # not the message's fault
_DAY_SECONDS: Final = 86_400
MALFORMED: Final = "it is malformed or too complex"
TOO_LARGE: Final = "it is larger than this letterbox fetches"
COULD_NOT: Final = "cleaning it took too long or failed"
DISK_FULL: Final = "The disk is full: no more mail can be kept here"
FAULT: Final = "Something went wrong here; the journal says where"


@dataclass(frozen=True, slots=True)
class Habits:
    """What the user chose."""

    leaves_mail: bool  # at the service, until it is deleted here
    trash_days: int  # after which it is erased
    message_octets: int = MAX_MESSAGE_OCTETS


class Collector:
    """One account's way in; one round at a time."""

    def __init__(
        self,
        ground: Ground,
        cleaning: Cleaning,
        habits: Habits,
        reached: Callable[[], None] = lambda: None,
    ) -> None:
        """Tell `reached` each time the service was reached."""
        self._reached = reached
        self._ground = ground
        self._letters = ground.letters
        self._cleaning = cleaning
        self._habits = habits
        self._task: asyncio.Task[None] | None = None
        self._shunned: set[str] = set()  # unique-ids of messages that broke a round
        self.progress = Progress()

    def start(self) -> None:
        """Begin a round, unless one is under way."""
        if self._task is None or self._task.done():
            self.progress = Progress(Phase.CONNECTING, ended_utc=self.progress.ended_utc)
            self._task = asyncio.get_running_loop().create_task(self._round())

    async def ended(self, within_seconds: float) -> None:
        """Wait for the end of the round under way, but not for ever."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=within_seconds)

    async def stop(self) -> None:
        """Break off the round under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _round(self) -> None:
        login, password = self._ground.account.login, self._letters.keeping.cabinet.password
        try:
            await self._empty_trash()
            async with self._ground.service.maildrop(login, password, self._came) as maildrop:
                await self._exchange(maildrop)
            now = self._letters.keeping.now_utc()
            self.progress = replace(self.progress, phase=Phase.IDLE, ended_utc=now)
            self._reached()
        except NotServed as reason:
            self._fail(reason.text)
        except DiskFull:
            self._fail(DISK_FULL)
        except Exception as fault:
            self._ground.journal.fault("collector", fault)
            self._fail(FAULT)

    async def _empty_trash(self) -> None:
        before = self._letters.keeping.now_utc() - self._habits.trash_days * _DAY_SECONDS
        messages = self._letters.keeping.cabinet.shelf.messages.values()
        old = [
            each.number
            for each in messages
            if each.folder == Folder.TRASH and each.arrived_utc < before
        ]
        await self._letters.erase(old)

    def _fail(self, text: str) -> None:
        self.progress = replace(self.progress, phase=Phase.FAILED, text=text)

    def _came(self, octets: int) -> None:
        self.progress = replace(self.progress, octets=self.progress.octets + octets)

    async def _exchange(self, maildrop: Maildrop) -> None:
        shelf = self._letters.keeping.cabinet.shelf
        there = {each.unique_id for each in maildrop.listing}
        if gone := (shelf.known | shelf.unwanted) - there:
            await self._letters.change(Vanished(tuple(sorted(gone))))
        wanted = [each for each in maildrop.listing if each.unique_id not in shelf.known]
        # What broke a round must not keep what lies behind it from coming.
        wanted.sort(key=lambda each: each.unique_id in self._shunned)
        await self._fetch(maildrop, wanted)
        done = shelf.unwanted
        if not self._habits.leaves_mail:
            done = done | (shelf.known - shelf.left_there())
        deleted = await maildrop.delete(
            [each for each in maildrop.listing if each.unique_id in done]
        )
        await maildrop.end()
        # RFC 1939 7: from here on the service may give their unique-ids to other mail.
        if deleted:
            await self._letters.change(Vanished(tuple(each.unique_id for each in deleted)))

    async def _fetch(self, maildrop: Maildrop, wanted: Sequence[Listed]) -> None:
        octets = sum(each.size_octets for each in wanted)
        self.progress = replace(
            self.progress, phase=Phase.FETCHING, total=len(wanted), total_octets=octets
        )
        messages = maildrop.fetch(wanted)
        for listed in wanted:
            try:
                content = await anext(messages)
            except NotServed:
                self._shunned.add(listed.unique_id)
                raise
            if content is not None:
                await self._keep(listed, content)
            elif listed.size_octets > self._habits.message_octets:
                await self._tell(listed, TOO_LARGE)
            self.progress = replace(self.progress, fetched=self.progress.fetched + 1)

    async def _keep(self, listed: Listed, content: bytes) -> None:
        content = _mended(content)
        try:
            outcome = await self._cleaning.arriving(content)
        except CleaningFailed as failure:
            if failure.why not in _LATER:
                await self._tell(listed, COULD_NOT)
            return
        if isinstance(outcome, Refused):
            await self._tell(listed, MALFORMED)
        else:
            await self._letters.put(outcome.pieces, partial(self._filed, listed, outcome))

    def _filed(self, listed: Listed, clean: Sanitised, number: int) -> list[Change]:
        octets, now = b"".join(clean.pieces), self._letters.keeping.now_utc()
        summary = summarise(octets, number, Folder.INBOX, now, listed.unique_id)
        return [Filed(summary), self._cleaning.came(clean)]

    async def _tell(self, listed: Listed, why: str) -> None:
        now = self._letters.keeping.now_utc()
        notice = self._ground.notices.unsafe(listed.size_octets, why, now)

        def changes(number: int) -> list[Change]:
            summary = summarise(notice, number, Folder.INBOX, now, listed.unique_id)
            return [Filed(structs.replace(summary, is_stand_in=True))]

        await self._letters.put([notice], changes)


def _mended(content: bytes) -> bytes:
    """Return sound lines: a NUL is nothing, a lone CR or LF an end that some reader would see.

    In whole passes: a message of nothing else must not keep the loop for half a minute.
    """
    if _BARE.search(content) is None:
        return content
    content = content.replace(b"\0", b"").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content.replace(b"\n", b"\r\n")
