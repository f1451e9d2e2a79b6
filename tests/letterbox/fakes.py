# SPDX-License-Identifier: Apache-2.0
"""A service in memory, and a letterbox over it that needs no process and no port."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from eepost.local.cabinets import Cabinets
from eepost.local.lock import Cost
from eepost.observe.journal import Journal
from eepost.sanitise.cleaner import CleaningFailed, Why
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.inbound import Inbound, sanitise_to_user
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.to_internet import ToInternet
from eepost.services.letterbox.carrier import Timing
from eepost.services.letterbox.entrance import Entrance, Means, Place
from eepost.services.letterbox.identity import Identity
from eepost.services.letterbox.ports import (
    Fate,
    Letter,
    Listed,
    NotServed,
    Offload,
    Outcome,
    Verdict,
)

T = TypeVar("T")
CHEAP = Cost(memory_kib=8, passes=1, lanes=1)
PASSWORD = "correct horse 1"
DOMAIN = "mail.i2p"
NO_WAY = NotServed(Verdict.UNREACHABLE, "The service can't be reached now")


@dataclass
class MemoryService:
    """Satisfies `ports.Service`; a test changes what it says by its attributes."""

    passwords: dict[str, str] = field(default_factory=lambda: {"alice": PASSWORD})
    mail: dict[str, bytes] = field(default_factory=dict)  # by unique-id
    carried: list[Letter] = field(default_factory=list)
    is_away: bool = False
    locked: set[str] = field(default_factory=set)  # unique-ids that can't be deleted
    breaks_after: int | None = None  # messages given before a session breaks
    outcomes: dict[str, Outcome] = field(default_factory=dict)  # by recipient
    asked: int = 0  # how often somebody wanted to log in
    serial: "itertools.count[int]" = field(default_factory=itertools.count)

    def receive(self, message: bytes) -> str:
        """Let mail arrive, and return its unique-id."""
        unique_id = f"id-{next(self.serial)}"
        self.mail[unique_id] = message
        return unique_id

    async def confirm(self, login: str, password: str) -> Verdict:
        self.asked += 1
        if self.is_away:
            return Verdict.UNREACHABLE
        return Verdict.CONFIRMED if self.passwords.get(login) == password else Verdict.DENIED

    async def _admit(self, login: str, password: str) -> None:
        verdict = await self.confirm(login, password)
        if verdict is not Verdict.CONFIRMED:
            raise NotServed(verdict, f"The service is not for us: {verdict.value}")

    @asynccontextmanager
    async def submission(self, login: str, password: str) -> "AsyncIterator[MemorySubmission]":
        await self._admit(login, password)
        yield MemorySubmission(self)

    @asynccontextmanager
    async def maildrop(
        self, login: str, password: str, came: Callable[[int], None]
    ) -> "AsyncIterator[MemoryMaildrop]":
        await self._admit(login, password)
        yield MemoryMaildrop(self, came)


@dataclass
class MemorySubmission:
    service: MemoryService

    async def carry(self, letter: Letter) -> Sequence[Outcome]:
        if self.service.is_away:
            raise NO_WAY
        if "poison@mail.i2p" in letter.recipients:
            raise NotServed(Verdict.UNREACHABLE, "The connection to the service broke")
        self.service.carried.append(letter)
        taken = Outcome(Fate.TAKEN, "250 taken")
        return [self.service.outcomes.get(each, taken) for each in letter.recipients]


class MemoryMaildrop:
    def __init__(self, service: MemoryService, came: Callable[[int], None]) -> None:
        self.service = service
        self._came = came
        self._gone: list[Listed] = []
        self.listing = [
            Listed(number, unique_id, len(message))
            for number, (unique_id, message) in enumerate(service.mail.items(), 1)
        ]

    async def fetch(self, wanted: Sequence[Listed]) -> AsyncIterator[bytes | None]:
        for at, each in enumerate(wanted):
            if at == self.service.breaks_after:
                raise NO_WAY
            content = self.service.mail[each.unique_id]
            self._came(len(content))
            yield content

    async def delete(self, gone: Sequence[Listed]) -> Sequence[Listed]:
        self._gone += [each for each in gone if each.unique_id not in self.service.locked]
        return self._gone

    async def end(self) -> None:
        for each in self._gone:
            self.service.mail.pop(each.unique_id, None)


class DirectCleaner:
    """Satisfies `sanitise.cleaner.Cleaner` without a process."""

    fails: Why | None = None

    async def from_user(self, message: bytes | bytearray, context: FromUser) -> Sanitised | Refused:
        self._fail()
        return sanitise_from_user(message, context)

    async def to_user(
        self, message: bytes | bytearray, context: Inbound, whose: str | None = None
    ) -> Sanitised | Refused:
        self._fail()
        return sanitise_to_user(message, context)

    async def from_internet(
        self, message: bytes | bytearray, context: Inbound, whose: str | None = None
    ) -> Sanitised | Refused:
        raise NotImplementedError

    async def to_internet(
        self, message: bytes | bytearray, context: ToInternet, whose: str | None = None
    ) -> Sanitised | Refused:
        raise NotImplementedError

    def _fail(self) -> None:
        if self.fails is not None:
            raise CleaningFailed(self.fails)


class Thread(Offload):
    """Runs work on one thread of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1)

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work)


QUICK = Timing(first_pause=0.05, longest_pause=0.2)


def letterbox(
    directory: Path,
    services: dict[str, MemoryService],
    *,
    now: Callable[[], int] = lambda: 1_795_000_000,
    cleaner: DirectCleaner | None = None,
    timing: Timing = QUICK,
    leaves_mail: bool = True,
) -> Entrance:
    """Return a letterbox with an identity for each service, in `directory`."""
    places = [
        Place(Identity(name, (DOMAIN, "example.org")), service, leaves_mail)
        for name, service in services.items()
    ]
    cabinets = Cabinets({name: directory / name for name in services}, os.urandom, CHEAP)
    means = Means(
        cabinets=cabinets,
        offload=Thread(),
        make_thread=Thread,
        cleaner=cleaner or DirectCleaner(),
        random_octets=os.urandom,
        now_utc=now,
        journal=Journal(),
        timing=timing,
    )
    return Entrance(places, means)


async def until(claim: Callable[[], bool]) -> None:
    """Let the loop go on until `claim` holds; fail where it never does."""
    async with asyncio.timeout(20):
        while not claim():  # noqa: ASYNC110 - a test looks at what is shown
            await asyncio.sleep(0.005)
