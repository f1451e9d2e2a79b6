# SPDX-License-Identifier: Apache-2.0
"""Puts together how a gateway takes mail from the Internet: ports, checks, what it keeps."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from eepost.app.config import ConfigError
from eepost.app.gateway_config import GatewayOffice
from eepost.app.gateway_core import KEY_FILE_NAME, CoreKey, LinkedCore
from eepost.app.gateway_lookups import CHECKS_AT_ONCE, Checks
from eepost.app.gateway_settings import Mx
from eepost.net import clock
from eepost.net.clearnet.certificate import Certificate
from eepost.net.clearnet.listener import listen_openly
from eepost.net.dns import Dns
from eepost.net.exchanges.standing import StandingLink
from eepost.net.listeners import Endpoint, bound_endpoint, parse_endpoint
from eepost.net.peers import Resolver, resolve
from eepost.net.sessions import Bounds, Hall
from eepost.observe.journal import Journal
from eepost.services.gateway.reception import forwarding, handover, session
from eepost.services.gateway.reception.folder import ParcelFolder
from eepost.services.gateway.reception.gate import Caller, Gate
from eepost.services.gateway.reception.greylist import Greylist, GreylistTimes
from eepost.services.gateway.reception.rates import Rates
from eepost.services.gateway.reception.replies import greeting
from eepost.wire.smtp.limits import SmtpLimits
from eepost.wire.smtp.server import SmtpServer
from eepost.wire.smtp.service import exchanger
from eepost.wire.transit import Transit
from eepost.workers.cleaner import PooledCleaner
from eepost.workers.pool import Pool

T = TypeVar("T")

KEPT_FOLDER = "kept"
OPT_OUT = "unsubscribe"
# How often silent sessions and a renewed certificate are looked for.
SWEEP_SECONDS = 5.0
_DAY_SECONDS = 86_400


@dataclass(slots=True)
class ReceptionPart:
    """Incoming mail of a running gateway."""

    office: GatewayOffice
    journal: Journal
    link: StandingLink
    pool: Pool
    received: session.Counts = field(default_factory=session.Counts)
    handed: handover.Counts = field(default_factory=handover.Counts)
    forwarded: forwarding.Counts = field(default_factory=forwarding.Counts)
    listening: dict[str, Endpoint] = field(default_factory=dict)
    _parcels: ParcelFolder | None = None
    _hall: Hall | None = None
    _certificate: Certificate | None = None
    _servers: list[asyncio.Server] = field(default_factory=list)
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    _checks: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(CHECKS_AT_ONCE, "check")
    )

    async def start(self) -> None:
        """Open the ports and begin to forward what was kept. Raises ConfigError, OSError."""
        settings = self.office.settings
        core = LinkedCore(self.link)
        key = CoreKey(self.office.directory / KEY_FILE_NAME)
        key.load()
        self._parcels = parcels = ParcelFolder(
            self.office.directory / KEPT_FOLDER, settings.mx.kept_messages, settings.mx.kept_octets
        )
        parcels.open()
        self._begin(key.keep_up_to_date(core))
        self._begin(self._forwarding(core, parcels).run())
        if not settings.mx.listen:
            self.journal.notice(
                "no mail from the Internet", "mx.listen in gateway.toml says where it would come"
            )
        else:
            self._certificate = self._read_certificate()
            desk = self._desk(core, key, parcels)
            self._hall = hall = self._make_hall(desk)
            for number, text in enumerate(settings.mx.listen):
                server = await listen_openly(parse_endpoint(text), hall.session)
                self._servers.append(server)
                self.listening["mx" if number == 0 else f"mx{number + 1}"] = bound_endpoint(server)
            self._begin(self._sweep(hall))

    async def stop(self, grace_seconds: float) -> None:
        """Take no new sessions, let open transactions finish."""
        for server in self._servers:
            server.close()
        if self._hall is not None:
            await self._hall.stop(grace_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._parcels is not None:
            self._parcels.close()
        self._checks.shutdown(wait=False, cancel_futures=True)

    def counters(self) -> dict[str, int]:
        """Return what was counted, by name."""
        counted = (
            _named("mx", asdict(self.received))
            | _named("handover", asdict(self.handed))
            | _named("forwarding", asdict(self.forwarded))
        )
        if self._hall is not None:
            counted |= _named("mx_sessions", asdict(self._hall.counts))
        if self._parcels is not None:
            counted |= {"kept": self._parcels.parcels, "kept_octets": self._parcels.octets}
        return counted

    def _begin(self, work: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    def _forwarding(self, core: LinkedCore, parcels: ParcelFolder) -> forwarding.Forwarding:
        return forwarding.Forwarding(
            core=core,
            parcels=parcels,
            is_up=lambda: self.link.is_up,
            clock=clock.monotonic_seconds,
            pause=asyncio.sleep,
            fault=lambda error: self.journal.fault("forwarding", error),
            keep_seconds=self.office.settings.mx.kept_days * _DAY_SECONDS,
            pause_seconds=self.office.settings.mx.forward_seconds,
            counts=self.forwarded,
        )

    def _desk(self, core: LinkedCore, key: CoreKey, parcels: ParcelFolder) -> session.Desk:
        settings = self.office.settings
        mx, names = settings.mx, settings.gateway
        dns = Dns(parse_endpoint(settings.dns.resolver), settings.dns.seconds)
        checks = Checks(dns, clock.monotonic_seconds, self._checks)
        limits = SmtpLimits(
            **{each: getattr(mx, each) for each in _LIMITS},
        )
        opt_out = f"{OPT_OUT}@{names.official_domains[0]}"
        service = exchanger(
            f"To get no mail from here, write to {opt_out}",
            offers_tls=self._certificate is not None,
        )
        return session.Desk(
            host=names.host,
            greeting=greeting(names.host),
            official_domains=frozenset(names.official_domains),
            gate=Gate(
                own_names=frozenset((names.host, *names.official_domains)),
                rates=Rates(
                    mx.messages_per_network, mx.refusals_per_network, clock.monotonic_seconds
                ),
                greylist=_greylist(mx),
                block_lists=mx.block_lists,
                addresses_of=checks.addresses,
            ),
            core=core,
            handover=handover.Handover(
                core=core,
                parcels=parcels,
                key=lambda: key.key,
                randomness=clock.random_octets,
                keeps_everything=mx.recipients_mode == "accept-then-drop",
                answer_seconds=mx.answer_seconds,
                counts=self.handed,
            ),
            authenticate=checks.authenticate,
            cleaner=PooledCleaner(self.pool),
            transit=Transit(mx.in_transit_octets),
            make_engine=lambda: SmtpServer(limits, names.host, service),
            randomness=clock.random_octets,
            refuses_spf_fail=mx.refuses_spf_fail,
            counts=self.received,
        )

    def _make_hall(self, desk: session.Desk) -> Hall:
        mx = self.office.settings.mx

        def make(bucket: bytes | None, is_welcome: bool, peername: Any) -> session.Reception:
            return session.Reception(desk, Caller(str(peername[0]), bucket), is_welcome)

        return Hall(
            bounds=Bounds(
                mx.connections,
                mx.connections_per_network,
                mx.idle_seconds,
                mx.session_seconds,
                mx.session_seconds,
            ),
            journal=self.journal,
            loop=asyncio.get_running_loop(),
            make_owner=make,
            resolve=lambda peername: resolve(peername, Resolver.NETWORK),
            bucket_key=clock.random_octets(32),
            tls=self._certificate.context if self._certificate else None,
        )

    def _read_certificate(self) -> Certificate | None:
        mx, file = self.office.settings.mx, self.office.config_file
        if not mx.certificate:
            self.journal.notice(
                "no certificate", "mail from other servers comes in the clear: set mx.certificate"
            )
            return None
        try:
            return Certificate(self._path(mx.certificate), self._path(mx.certificate_key))
        except OSError as error:  # where they don't fit, ssl's own, which is one
            raise ConfigError(
                file,
                "mx.certificate",
                f"can't be read with its key: {error.strerror or type(error).__name__}",
                "both are PEM files; the key's may be the same file",
            ) from None

    def _path(self, text: str) -> Path:
        return self.office.directory / (text or self.office.settings.mx.certificate)

    async def _sweep(self, hall: Hall) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            hall.sweep()
            if self._certificate is not None:
                self._renew(self._certificate)

    def _renew(self, certificate: Certificate) -> None:
        try:
            if certificate.is_renewed():
                certificate.load()
        except OSError as error:  # the old one serves on; half a renewal is looked at again
            self.journal.fault("certificate", error)


_LIMITS = (
    "message_octets",
    "command_line_octets",
    "text_line_octets",
    "recipients",
    "errors",
    "commands",
    "messages",
)


def _named(prefix: str, counts: dict[str, int]) -> dict[str, int]:
    return {f"{prefix}_{name}": count for name, count in counts.items()}


def _greylist(mx: Mx) -> Greylist | None:
    if not mx.greylisting:
        return None
    return Greylist(clock.random_octets(32), GreylistTimes(), clock.monotonic_seconds)
