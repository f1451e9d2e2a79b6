# SPDX-License-Identifier: Apache-2.0
"""The letterbox role: what runs on a user's own machine, and holds no state of any server."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from eepost.app import workers
from eepost.app.letterbox_config import LetterboxHome, OneIdentity, way
from eepost.app.letterbox_pages import open_pages
from eepost.local.cabinets import Cabinets
from eepost.net import clock
from eepost.net.connect import Connector, Patience, Route
from eepost.net.listeners import Endpoint, bound_endpoint, listen, parse_endpoint
from eepost.net.peers import Resolver, resolve
from eepost.net.service import FarService, Times
from eepost.net.sessions import Bounds, Hall, Owner
from eepost.observe.journal import Journal
from eepost.services.letterbox.entrance import Entrance, Means, Place
from eepost.services.letterbox.fetching import Fetching, FetchingDesk
from eepost.services.letterbox.identity import Identity, LoginStyle
from eepost.services.letterbox.ports import Offload
from eepost.services.letterbox.submission import Submission, SubmissionDesk, submission_limits
from eepost.wire.pop3.limits import Pop3Limits
from eepost.wire.transit import Transit
from eepost.workers.cleaner import PooledCleaner
from eepost.workers.pool import Pool
from eepost.workers.starter import Starter

T = TypeVar("T")

# How often silent sessions are looked for; a timeout is late by at most this.
SWEEP_SECONDS = 5.0
# How long a stop waits for open transactions before it cuts them off.
GRACE_SECONDS = 10.0
# The longest session of a mail program; some keep one open all day.
SESSION_SECONDS = 43_200.0
LOGIN_SECONDS = 300.0
# Whoever asks for a connection has pauses of his own, and a user who asks waits for none.
NO_PAUSE_SECONDS = 0.0


@dataclass(slots=True)
class LetterboxRole:
    """A running letterbox. `start` opens the ports, `stop` closes them and locks everything."""

    home: LetterboxHome
    journal: Journal
    starter: Starter  # begun before any password was heard
    halls: dict[str, Hall] = field(default_factory=dict)
    listening: dict[str, Endpoint] = field(default_factory=dict)
    entrance: Entrance = field(init=False)
    _workers: Pool = field(init=False)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    _threads: list[ThreadPoolExecutor] = field(default_factory=list)
    _end_pages: Callable[[], Awaitable[None]] | None = None

    def __post_init__(self) -> None:
        self._workers = workers.make_pool(self.home.settings.workers, self.starter, self.journal)

    async def start(self) -> None:
        """Open the ports. Raises OSError."""
        identities = self.home.identities.values()
        means = Means(
            cabinets=Cabinets(
                {each.name: each.letters for each in identities}, clock.random_octets
            ),
            offload=self._thread(),
            make_thread=self._thread,
            cleaner=PooledCleaner(self._workers),
            random_octets=clock.random_octets,
            now_utc=lambda: int(clock.wall_seconds()),
            journal=self.journal,
        )
        self.entrance = Entrance([_place(each) for each in identities], means)
        await self._open_pages()
        transit = Transit(self.home.settings.programs.in_transit_octets)
        for each in identities:
            await self._open_ports(each, transit)
        loop = asyncio.get_running_loop()
        self._tasks.append(loop.create_task(self._sweep()))
        if self.home.settings.log.counts_seconds:
            self._tasks.append(loop.create_task(self._count(self.home.settings.log.counts_seconds)))

    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Take no new sessions, let open ones end, lock everything."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for server in self._servers:
            server.close()
        await asyncio.gather(*(hall.stop(grace_seconds) for hall in self.halls.values()))
        if self._end_pages is not None:
            await self._end_pages()
        if hasattr(self, "entrance"):
            await self.entrance.stop()
        self._workers.stop()
        for threads in self._threads:
            threads.shutdown(wait=False, cancel_futures=True)

    def counters(self) -> dict[str, int]:
        """Return what was counted, by name."""
        counted = workers.counters(self._workers)
        for name, hall in self.halls.items():
            counts = asdict(hall.counts)
            counted |= {f"{name}_{kind}": count for kind, count in counts.items()}
        return counted

    async def _open_ports(self, identity: OneIdentity, transit: Transit) -> None:
        programs, name = self.home.settings.programs, identity.name
        sending = SubmissionDesk(
            self.entrance, name, transit, submission_limits(programs.message_octets)
        )
        fetching = FetchingDesk(self.entrance, name, Pop3Limits(), programs.wait_seconds)
        where = identity.settings.listen
        await self._listen(f"{name}_smtp", where.smtp, lambda _p, w, _a: Submission(sending, w))
        await self._listen(f"{name}_pop3", where.pop3, lambda _p, w, _a: Fetching(fetching, w))

    async def _open_pages(self) -> None:
        where = self.home.settings.pages.listen
        if where:
            with _named(where):
                bound, self._end_pages = await open_pages(
                    self.entrance, self._thread(), self.journal, parse_endpoint(where)
                )
            self.listening["pages"] = bound

    async def _listen(
        self, name: str, where: str, make_owner: Callable[[bytes | None, bool, Any], Owner]
    ) -> None:
        programs = self.home.settings.programs
        bounds = Bounds(
            programs.connections,
            programs.connections,
            programs.idle_seconds,
            SESSION_SECONDS,
            LOGIN_SECONDS,
        )
        hall = Hall(
            bounds=bounds,
            journal=self.journal,
            loop=asyncio.get_running_loop(),
            make_owner=make_owner,
            resolve=lambda peername: resolve(peername, Resolver.NONE),
            bucket_key=clock.random_octets(32),
        )
        with _named(where):
            server = await listen(parse_endpoint(where), hall.session)
        self.halls[name] = hall
        self._servers.append(server)
        self.listening[name] = bound_endpoint(server)

    def _thread(self) -> Offload:
        threads = ThreadPoolExecutor(1, "letters")
        self._threads.append(threads)
        return _Thread(threads)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            for hall in self.halls.values():
                hall.sweep()

    async def _count(self, every_seconds: int) -> None:
        while True:
            await asyncio.sleep(every_seconds)
            self.journal.event("counts", **self.counters())


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Let a fault say which port can't be had."""
    try:
        yield
    except OSError as error:
        words = f"can't listen on {where}: {error.strerror}; does a letterbox run already?"
        raise OSError(error.errno, words) from None


class _Thread(Offload):
    """Runs blocking work on the one thread of a pool."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work)


def _place(identity: OneIdentity) -> Place:
    account, service = identity.settings.account, identity.settings.service
    silence = service.silence_seconds
    far = FarService(
        _connector("smtp", service.smtp, silence),
        _connector("pop3", service.pop3, silence),
        times=Times(silence=silence),
    )
    who = Identity(identity.name, account.domains, LoginStyle(account.login))
    return Place(who, far, account.leaves_mail, account.trash_days)


def _connector(name: str, text: str, silence_seconds: float) -> Connector:
    patience = Patience(
        first_octet_seconds=silence_seconds,
        retry_first_seconds=NO_PAUSE_SECONDS,
        retry_longest_seconds=NO_PAUSE_SECONDS,
    )
    # An isolation of its own for each connector: Tor then keeps identities on circuits apart.
    route = Route(name, way(text, clock.random_octets))
    return Connector([route], patience, clock.monotonic_seconds, random.SystemRandom().random)
