# SPDX-License-Identifier: Apache-2.0
"""Questions to the DNS, all to one resolver that the operator chose. The gateway role's alone.

Whether an answer was signed is the resolver's word (the AD bit), so it is believed only where
nothing lies between it and us: on this machine. Caching is the resolver's business, and names of
users' correspondents should stay in one place less: an answer is remembered for some seconds only,
for a batch of mail to the same domains, each of which needs four.

Trust: answers are what strangers wrote about their own domains.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.name
import dns.rdatatype
import dns.resolver
import dns.reversename

from eepost.net.clock import monotonic_seconds
from eepost.net.listeners import Endpoint
from eepost.wire.outward.route import (
    NO_ANSWER,
    NO_DOMAIN,
    DnsFailed,
    Exchanger,
    Exchangers,
    Route,
    route_of,
)
from eepost.wire.outward.tlsa import Tlsa

# What the flag day of 2020 settled on: larger answers come by TCP.
UDP_OCTETS = 1_232
# Records of one answer that are looked at.
MAX_RECORDS = 100
# An answer that is used for a batch costs 1 ms of CPU once; its own time to live may be shorter.
REMEMBERED_SECONDS = 5.0
MAX_REMEMBERED = 1_000


class NoSuchName(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The name does not exist, whatever kind of record is asked for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Records of one kind. `is_secure`: the resolver on this machine has validated them."""

    records: tuple[Any, ...]
    is_secure: bool = False


class Dns:
    """A resolver's client. `clock` gives seconds that only rise."""

    def __init__(
        self,
        resolver: Endpoint,
        seconds: float,
        clock: Callable[[], float] = monotonic_seconds,
    ) -> None:
        self._clock = clock
        self._remembered: dict[tuple[str, str], tuple[float, Answer | None]] = {}
        self._is_local = resolver.is_loopback
        self._resolver = dns.asyncresolver.Resolver(configure=False)
        self._resolver.nameservers = [resolver.host]
        self._resolver.port = resolver.port
        self._resolver.lifetime = seconds
        self._resolver.timeout = seconds / 3  # a lost packet is sent again twice
        self._resolver.use_edns(0, dns.flags.DO, UDP_OCTETS)

    async def ask(self, name: str, kind: str) -> Answer:
        """Return the records; none where the name has none of this kind.

        Raises DnsFailed, NoSuchName.
        """
        until, answer = self._remembered.get((name, kind), (0.0, None))
        if self._clock() >= until:
            answer = await self._ask(name, kind)
        if answer is None:
            raise NoSuchName
        return answer

    async def _ask(self, name: str, kind: str) -> Answer | None:
        try:
            asked = dns.name.from_text(name.rstrip(".") + ".")
            found = await self._resolver.resolve(asked, kind, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            self._remember(name, kind, None, REMEMBERED_SECONDS)
            return None
        except (dns.exception.DNSException, OSError, ValueError, UnicodeError):
            raise DnsFailed from None
        is_secure = self._is_local and bool(found.response.flags & dns.flags.AD)
        records = tuple(found.rrset)[:MAX_RECORDS] if found.rrset is not None else ()
        answer = Answer(records, is_secure)
        seconds = REMEMBERED_SECONDS if found.rrset is None else found.rrset.ttl
        self._remember(name, kind, answer, min(seconds, REMEMBERED_SECONDS))
        return answer

    def _remember(self, name: str, kind: str, answer: Answer | None, seconds: float) -> None:
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[name, kind] = (self._clock() + seconds, answer)

    async def route(self, domain: str) -> Route:
        """Return where `domain`, in A-labels, takes its mail (RFC 5321 5.1)."""
        try:
            answer = await self.ask(domain, "MX")
            if answer.records:
                return route_of(tuple(map(_exchanger, answer.records)), answer.is_secure)
            if not await self.addresses(domain):
                return NO_DOMAIN
        except NoSuchName:
            return NO_DOMAIN
        except DnsFailed:
            return NO_ANSWER
        return Exchangers((Exchanger(0, domain),), answer.is_secure)

    async def addresses(self, host: str) -> tuple[str, ...]:
        """Return the addresses of `host`, IPv6 first; none where it has none. Raises DnsFailed."""
        return (await self.validated_addresses(host))[0]

    async def validated_addresses(self, host: str) -> tuple[tuple[str, ...], bool]:
        """Return the addresses of `host`, and whether all of that was validated."""
        found: list[str] = []
        is_secure = True
        for kind in ("AAAA", "A"):
            try:
                answer = await self.ask(host, kind)
            except NoSuchName:
                return (), False
            found += [_address(each) for each in answer.records]
            is_secure = is_secure and answer.is_secure
        return tuple(found), is_secure

    async def tlsa(self, host: str, port: int) -> tuple[Tlsa, ...]:
        """Return the validated TLSA records for a port of `host`. Raises DnsFailed."""
        answer = await self._or_none(f"_{port}._tcp.{host}", "TLSA")
        return tuple(map(_tlsa, answer.records)) if answer.is_secure else ()

    def in_ascii(self, domain: str) -> str | None:
        """Return a domain in A-labels (RFC 5890 2.3.2.1), None where it can't be written so.

        By the rules of IDNA 2008: those of 2003 make another domain of some names.
        """
        try:
            name = dns.name.from_text(domain, idna_codec=dns.name.IDNA_2008)
        except (dns.exception.DNSException, UnicodeError):
            return None
        return name.to_text(omit_final_dot=True).lower()

    async def texts(self, name: str) -> tuple[str, ...]:
        """Return the TXT records at `name`, their pieces joined. Raises DnsFailed."""
        answer = await self._or_none(name, "TXT")
        return tuple(map(_text, answer.records))

    async def names(self, address: str) -> tuple[str, ...]:
        """Return the names that `address` leads back to (PTR). Raises DnsFailed."""
        reverse = dns.reversename.from_address(address).to_text()
        answer = await self._or_none(reverse, "PTR")
        return tuple(map(_name, answer.records))

    async def _or_none(self, name: str, kind: str) -> Answer:
        try:
            return await self.ask(name, kind)
        except NoSuchName:
            return Answer(())


# dnspython's own types say "any record"; what was asked for is what comes.


def _exchanger(record: Any) -> Exchanger:
    return Exchanger(record.preference, _host(record.exchange))


def _host(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True)).lower() if len(name.labels) > 1 else ""


def _address(record: Any) -> str:
    return str(record.address)


def _tlsa(record: Any) -> Tlsa:
    return Tlsa(record.usage, record.selector, record.mtype, bytes(record.cert))


def _text(record: Any) -> str:
    return b"".join(record.strings).decode("utf-8", "replace")


def _name(record: Any) -> str:
    return _host(record.target)
