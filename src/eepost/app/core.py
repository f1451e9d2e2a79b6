# SPDX-License-Identifier: Apache-2.0
"""The core role: puts stores, engines, services and listeners together and runs them."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from eepost.accounts.authenticator import Authenticator
from eepost.accounts.directory import Directory
from eepost.accounts.invitations import INVITATIONS
from eepost.accounts.memory import LoginMemory
from eepost.accounts.model import Account
from eepost.accounts.places import Places
from eepost.accounts.ports import Compute
from eepost.accounts.sign_ins import SignIns
from eepost.accounts.throttle import Throttle
from eepost.app import workers
from eepost.app.arriving import answers_to_gateways, make_arrivals
from eepost.app.config import all_domains, endpoints, message_id_domain
from eepost.app.gateway_links import GatewayLinks
from eepost.app.notifier import IrcBot, make_irc_bot
from eepost.app.office import Office
from eepost.app.outgoing import OutgoingMail, Surroundings, make_outgoing
from eepost.app.portal import make_portal, read_policy
from eepost.app.portal_sending import PortalSending
from eepost.app.running import raise_file_limit
from eepost.app.scanner import make_scanner, obstacles_passed
from eepost.app.scanner_doctor import Machine, examine_configuration
from eepost.app.settings import Pop3, Smtp
from eepost.app.way import link_patience
from eepost.mail.address import Address
from eepost.maildrop.model import ARRIVAL_DAYS_KEPT, THREAD_PERIODS_KEPT, thread_period_of
from eepost.maildrop.ports import StoreUnavailable
from eepost.maildrop.sealing import Sealer
from eepost.net import clock
from eepost.net.clamd import Clamd, Standing
from eepost.net.exchanges.answerer import Responses
from eepost.net.findings import State
from eepost.net.listeners import Endpoint, bound_endpoint, listen
from eepost.net.peers import Resolver, resolve
from eepost.net.sessions import Bounds, Hall, Owner
from eepost.net.web import WebServer
from eepost.observe.journal import Journal
from eepost.pages.site import Counts as Visits
from eepost.sanitise.from_user import FromUser
from eepost.sanitise.scan import Obstacle
from eepost.seal.startkey import StartKey
from eepost.services.mta import submission
from eepost.services.mta.arrivals import Arrivals
from eepost.services.mta.arrivals import Counts as ArrivalCounts
from eepost.services.mta.conversations import Conversations
from eepost.services.mta.local import LocalDelivery
from eepost.services.mta.notices import fill_notice
from eepost.services.mta.replies import greeting
from eepost.services.mta.screening import ScanCounts, Screening
from eepost.services.pop import fetch
from eepost.wire.pop3.limits import Pop3Limits
from eepost.wire.pop3.server import Pop3Server
from eepost.wire.smtp.limits import SmtpLimits
from eepost.wire.smtp.server import SmtpServer
from eepost.wire.transit import Transit
from eepost.workers.cleaner import PooledCleaner
from eepost.workers.pool import Pool
from eepost.workers.starter import Starter

T = TypeVar("T")

# How long the commit lane and the readers wait for the interpreter while the loop has work. Each
# statement of theirs asks for it anew, so that Python's own 5 ms made a commit of eight take 7 to
# 20 ms at 50 clients instead of 3 to 5, and submissions a quarter fewer.
SWITCH_SECONDS = 0.000_2

# How often silent sessions are looked for; a timeout is late by at most this.
SWEEP_SECONDS = 5.0
# How often what is too old is removed.
CLEAN_SECONDS = 86_400
# How long a stop waits for open transactions before it cuts them off.
GRACE_SECONDS = 30.0
# Threads for sealing large messages beside the event loop.
HEAVY_THREADS = 2
# Threads that look accounts up. Not those of the logins: whoever reaches the port can keep these
# busy with wrong passwords for seconds, and no user's RCPT may wait behind that.
LOOK_UP_THREADS = 1


@dataclass(slots=True)
class Core:
    """A running post office. `start` opens the ports, `stop` closes them and ends what is open."""

    office: Office
    key: StartKey
    journal: Journal
    starter: Starter  # begun before `key` was read
    halls: dict[str, Hall] = field(default_factory=dict)
    submitted: submission.Counts = field(default_factory=submission.Counts)
    scanned: ScanCounts = field(default_factory=ScanCounts)
    arrived: ArrivalCounts = field(default_factory=ArrivalCounts)
    fetched: fetch.Counts = field(default_factory=fetch.Counts)
    visited: Visits = field(default_factory=Visits)
    _sign_ins: SignIns = field(default_factory=lambda: SignIns(clock.wall_seconds))
    _portal: WebServer | None = None
    _portal_endpoint: Endpoint | None = None
    _servers: dict[str, asyncio.Server] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _scanner: Clamd | None = None
    _store: Any = None
    _gateways: GatewayLinks | None = None
    _outgoing: OutgoingMail | None = None
    _irc: IrcBot | None = None
    # What gateways are answered; nothing until all that is needed for an answer is there.
    _answers: Callable[[str], Responses] = lambda _: {}
    _sealer: Sealer | None = None
    _authenticator: Authenticator | None = None
    _logins: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _heavy: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _look_ups: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _workers: Pool = field(init=False)
    _claim: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self._workers = workers.make_pool(self.office.settings.workers, self.starter, self.journal)

    async def start(self) -> None:
        """Open the store and the ports. Raises ConfigError, OSError, StoreUnavailable."""
        settings = self.office.settings
        loop = asyncio.get_running_loop()
        raise_file_limit(settings.smtp.connections + settings.pop3.connections)
        self._claim.enter_context(self.office.claim())
        self._store = self.office.open_store(self.key)
        maildrops = self._store.start(loop)
        await self._clean()
        self._logins = ThreadPoolExecutor(settings.login.computations, "login")
        self._heavy = ThreadPoolExecutor(HEAVY_THREADS, "heavy")
        self._look_ups = ThreadPoolExecutor(LOOK_UP_THREADS, "look-up")
        process_key = clock.random_octets(32)
        authenticator = self._authenticator = self._make_authenticator(process_key)
        self._sealer = Sealer(clock.random_octets)
        self._scanner = make_scanner(settings, _Pool(self._heavy), self._tell_scanner)
        await self._link_gateways()
        self._irc = make_irc_bot(
            settings.irc,
            self.office.directory,
            self._store.accounts,
            _Pool(self._logins),
            process_key,
            self.journal,
        )
        submitting = self._submission_desk(authenticator, maildrops)
        self._answers = answers_to_gateways(self._make_arrivals(submitting), self.key)
        fetching = fetch.Desk(
            authenticator=authenticator,
            places=Places(settings.pop3.connections_per_account, self._sign_ins.note),
            maildrops=maildrops,
            offload=_Pool(self._heavy),
            make_engine=_pop3_engines(settings.pop3),
            counts=self.fetched,
        )
        await self._open(
            "smtp",
            settings.smtp,
            process_key,
            lambda p, w, _: submission.Submission(submitting, p, w),
        )
        await self._open(
            "pop3", settings.pop3, process_key, lambda p, w, _: fetch.Fetch(fetching, p, w)
        )
        if settings.portal.listen:
            await self._open_portal(authenticator, maildrops, process_key)
        await self._begin_tasks()

    async def _open_portal(
        self, authenticator: Authenticator, maildrops: Any, process_key: bytes
    ) -> None:
        settings = self.office.settings
        assert self._outgoing is not None  # noqa: S101 - made with the desk
        outgoing = self._outgoing.outgoing
        self._portal = make_portal(
            settings,
            sign_ins=self._sign_ins,
            irc=self._irc,
            sending=PortalSending(
                outgoing.store, outgoing.sealer, outgoing.quota, _Pool(self._look_ups)
            ),
            accounts=self._store.accounts,
            authenticator=authenticator,
            maildrops=maildrops,
            compute=_Pool(self._logins),
            process_key=process_key,
            invitation_key=self.key.subkey(INVITATIONS),
            policy=read_policy(self.office.directory / settings.portal.policy),
            journal=self.journal,
            counts=self.visited,
        )
        where = endpoints(settings)["portal.listen"]
        self._portal_endpoint = await self._portal.start(where)

    async def _begin_tasks(self) -> None:
        """Begin what runs beside the sessions, until `stop` cancels it."""
        settings, loop = self.office.settings, asyncio.get_running_loop()
        assert self._outgoing is not None  # noqa: S101 - made with the desk
        self._tasks.append(loop.create_task(await self._outgoing.start()))
        self._tasks.append(loop.create_task(self._sweep()))
        self._tasks.append(loop.create_task(self._clean_daily()))
        self._tasks.append(loop.create_task(self._try_scanner()))
        if self._irc is not None:
            self._tasks.append(loop.create_task(self._irc.notifier.run()))
        if settings.log.counts_seconds:
            self._tasks.append(loop.create_task(self._count(settings.log.counts_seconds)))

    def listening(self) -> dict[str, Endpoint]:
        """Return where the listeners really listen."""
        found = {name: bound_endpoint(server) for name, server in self._servers.items()}
        if self._portal_endpoint is not None:
            found["portal"] = self._portal_endpoint
        if self._gateways is not None and self._gateways.listening is not None:
            found["gateways"] = self._gateways.listening
        return found

    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Take no new sessions, let open transactions finish, make everything durable."""
        for task in self._tasks:
            task.cancel()
        for server in self._servers.values():
            server.close()
        if self._portal is not None:
            await self._portal.stop()
        await asyncio.gather(*(hall.stop(grace_seconds) for hall in self.halls.values()))
        if self._outgoing is not None:
            await self._outgoing.relay.stop(grace_seconds)
        if self._gateways is not None:
            await self._gateways.stop(grace_seconds)
        self._workers.stop()
        if self._store is not None:
            await self._store.stop()
        for pool in (self._logins, self._heavy, self._look_ups):
            pool.shutdown(wait=False, cancel_futures=True)
        self._claim.close()

    def roles(self) -> dict[str, str]:
        """Return who answers for postmaster and abuse; blocks."""
        roles: dict[str, str] = self._store.accounts.roles()
        return roles

    def counters(self) -> dict[str, int]:
        """Return what was counted, by name."""
        counted = {
            "accepted": self.submitted.accepted,
            "refused": self.submitted.refused,
            "deferred": self.submitted.deferred,
            "logins": self.fetched.logins,
            "retrieved": self.fetched.retrieved,
            "removed": self.fetched.removed,
            "pages_shown": self.visited.shown,
            "forms_done": self.visited.done,
            "forms_refused": self.visited.refused,
            "portal_faults": self.visited.faults,
            "scanned_clean": self.scanned.clean,
            "scanned_infected": self.scanned.infected,
            "unscanned_down": self.scanned.unscannable[Obstacle.DOWN],
            "unscanned_over_limits": self.scanned.unscannable[Obstacle.OVER_LIMITS],
        }
        counted |= {f"arrived_{name}": count for name, count in asdict(self.arrived).items()}
        counted |= workers.counters(self._workers) | self._store.counters()
        if self._gateways is not None:
            counted |= self._gateways.counters()
        if self._outgoing is not None:
            counted |= self._outgoing.counters()
        if self._irc is not None:
            counts_of_bot = asdict(self._irc.notifier.counts)
            counted |= {f"irc_{name}": count for name, count in counts_of_bot.items()}
        for name, hall in self.halls.items():
            counts = hall.counts
            counted |= {
                f"{name}_open": len(hall.sessions),
                f"{name}_opened": counts.opened,
                f"{name}_turned_away": counts.turned_away,
                f"{name}_expired": counts.expired,
                f"{name}_cut_off": counts.cut_off,
                f"{name}_faults": counts.faults,
                f"{name}_octets_in": counts.octets_in,
                f"{name}_octets_out": counts.octets_out,
            }
        return counted

    async def _link_gateways(self) -> None:
        settings = self.office.settings
        self._gateways = GatewayLinks(
            self.office.directory,
            endpoints(settings)["gateways.listen"],
            self.journal,
            settings.gateways.in_transit_octets,
            responses=self._answers_to,
            patience=link_patience(settings.gateways.retry_seconds),
        )
        await self._gateways.start()

    def _answers_to(self, gateway: str) -> Responses:
        return self._answers(gateway)

    def _make_arrivals(self, submitting: submission.Desk) -> Arrivals:
        assert self._outgoing is not None  # noqa: S101 - made with the desk
        return make_arrivals(
            self.office.settings,
            self.key,
            submitting,
            self._outgoing.outgoing,
            self.office.quarantine(self.key),
            self.arrived,
        )

    def _make_authenticator(self, process_key: bytes) -> Authenticator:
        login = self.office.settings.login
        return Authenticator(
            self._store.accounts,
            frozenset(all_domains(self.office.settings)),
            LoginMemory(process_key, lifetime_seconds=login.remembered_seconds),
            Throttle(process_key),
            compute=_Pool(self._logins),
            look_up=_Pool(self._look_ups),
            clock=clock.monotonic_seconds,
            pause=asyncio.sleep,
            max_waiting=login.waiting,
        )

    def _submission_desk(self, authenticator: Authenticator, maildrops: Any) -> submission.Desk:
        settings = self.office.settings
        domains = all_domains(settings)
        assert self._sealer is not None  # noqa: S101 - made by start() just before
        delivery = LocalDelivery(
            maildrops=maildrops,
            sealer=self._sealer,
            now_nanoseconds=clock.wall_nanoseconds,
            notice=self._notice,
            offload=_Pool(self._heavy),
            arrived=self._irc.notifier.news.arrived if self._irc else lambda _: None,
        )
        directory = Directory(self._store.accounts, _Pool(self._look_ups), domains[0], domains[1:])
        conversations = Conversations(
            maildrops, self._thread_key, self._seal_sent_id, self._open_sent_id
        )
        assert self._gateways is not None  # noqa: S101 - made by start() just before
        cleaner = PooledCleaner(self._workers)
        self._outgoing = make_outgoing(
            settings,
            self.key,
            Surroundings(
                self._store.queue,
                self._gateways,
                delivery,
                directory,
                conversations,
                cleaner,
                self.journal,
            ),
        )
        return submission.Desk(
            name=settings.mail.domain,
            greeting=greeting(settings.mail.domain),
            domains=frozenset(domains),
            authenticator=authenticator,
            places=Places(settings.smtp.connections_per_account, self._sign_ins.note),
            directory=directory,
            delivery=delivery,
            transit=Transit(settings.mail.in_transit_octets),
            context=self._context,
            conversations=conversations,
            outgoing=self._outgoing.outgoing,
            screening=Screening(self._scanner, obstacles_passed(settings), self.scanned),
            cleaner=cleaner,
            make_engine=_smtp_engines(settings.smtp, settings.mail.domain),
            counts=self.submitted,
        )

    def _context(self, account: Account) -> FromUser:
        settings = self.office.settings
        addresses = [Address(account.name, each) for each in all_domains(settings)]
        return FromUser(
            address=addresses[0],
            addresses=frozenset(addresses),
            message_id_key=self.key.tag("message-id", str(account.number)),
            message_id_domain=message_id_domain(settings),
            accepted_utc=int(clock.wall_seconds()),
            randomness=clock.random_octets,
            choices=account.preferences.cleaning,
        )

    def _seal_sent_id(self, account: Account, original: bytes) -> bytes:
        context = str(account.number).encode("ascii")
        return self.key.seal("sent identifier", clock.random_octets, original, context)

    def _open_sent_id(self, account: Account, sealed: bytes) -> bytes:
        return self.key.open("sent identifier", sealed, str(account.number).encode("ascii"))

    def _thread_key(self, account: Account) -> bytes:
        return self.key.tag("thread", str(account.number))

    def _notice(self, account: Account, percent: int) -> list[bytes]:
        domain = self.office.settings.mail.domain
        return fill_notice(
            Address(account.name, domain),
            percent,
            int(clock.wall_seconds()),
            clock.random_octets,
            message_id_domain(self.office.settings),
        )

    async def _open(
        self,
        name: str,
        section: Smtp | Pop3,
        bucket_key: bytes,
        make: Callable[[bytes | None, bool, Any], Owner],
    ) -> None:
        resolver = Resolver(section.peers)
        hall = Hall(
            bounds=Bounds(
                section.connections,
                section.connections_per_peer,
                section.idle_seconds,
                section.session_seconds,
                section.login_seconds,
            ),
            journal=self.journal,
            loop=asyncio.get_running_loop(),
            make_owner=make,
            resolve=lambda peername: resolve(peername, resolver),
            bucket_key=bucket_key,
        )
        self.halls[name] = hall
        self._servers[name] = await listen(
            endpoints(self.office.settings)[f"{name}.listen"], hall.session
        )

    async def _try_scanner(self) -> None:
        """Find out at once whether the scanner can be relied on; the journal hears of it."""
        if self._scanner is None:
            return
        settings = self.office.settings
        for finding in await asyncio.to_thread(examine_configuration, settings, Machine()):
            if finding.state is State.WRONG:
                text = f"{finding.subject}: {finding.text}; {finding.mend}"
                self.journal.notice("virus scanner", text)
        await self._scanner.standing()

    def _tell_scanner(self, standing: Standing) -> None:
        self.journal.notice("virus scanner", standing.value)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            for hall in self.halls.values():
                hall.sweep()
            if self._sealer is not None and self._authenticator is not None:
                self._sealer.forget_expired(clock.wall_nanoseconds())
                self._authenticator.forget_expired()

    async def _clean(self) -> None:
        now = int(clock.wall_seconds())
        await self._store.clean(
            thread_period_of(now) - THREAD_PERIODS_KEPT, now // CLEAN_SECONDS - ARRIVAL_DAYS_KEPT
        )

    async def _clean_daily(self) -> None:
        while True:
            await asyncio.sleep(CLEAN_SECONDS)
            try:
                await self._clean()
            except StoreUnavailable as fault:
                self.journal.fault("cleaning", fault)  # tomorrow is another day

    async def _count(self, every_seconds: int) -> None:
        while True:
            await asyncio.sleep(every_seconds)
            self.journal.event("counts", **self.counters())


class _Pool(Compute):
    """Runs blocking work on the threads of a pool."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work)


def _smtp_engines(settings: Smtp, name: str) -> Callable[[], SmtpServer]:
    limits = SmtpLimits(**{each.name: getattr(settings, each.name) for each in fields(SmtpLimits)})
    return lambda: SmtpServer(limits, name)


def _pop3_engines(settings: Pop3) -> Callable[[], Pop3Server]:
    limits = Pop3Limits(**{each.name: getattr(settings, each.name) for each in fields(Pop3Limits)})
    return lambda: Pop3Server(limits)
