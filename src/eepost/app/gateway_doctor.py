# SPDX-License-Identifier: Apache-2.0
"""Looks whether a gateway is set up right, from where it stands: resolver, records, link.

Each finding that is wrong says what mends it. Nothing is sent to anybody but the resolver and,
through the router, the core.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from eepost.app.config import ConfigError
from eepost.app.gateway_config import GatewayOffice
from eepost.app.gateway_keys import Published, published, read_keys
from eepost.app.way import link_patience
from eepost.net import clock
from eepost.net.connect import Route
from eepost.net.dns import Dns, NoSuchName
from eepost.net.exchanges.standing import Means, StandingLink
from eepost.net.exchanges.stream import Bounds
from eepost.net.findings import Finding, State, fine, unchecked, wrong
from eepost.net.link import LinkCut
from eepost.net.listeners import parse_endpoint
from eepost.wire.outward.route import DnsFailed, Exchangers
from eepost.wire.transfer.messages import UNNUMBERED, StillThere

_SHOW = "eepost gateway records shows all that has to stand there"


async def examine(office: GatewayOffice, wait_seconds: float) -> list[Finding]:
    """Look at everything, the nearest first."""
    dns = Dns(parse_endpoint(office.settings.dns.resolver), office.settings.dns.seconds)
    findings = [await _resolver(office, dns)]
    if findings[0].state is not State.WRONG:
        findings += [each async for each in _names(office, dns)]
    return [*findings, await _link(office, wait_seconds)]


async def _resolver(office: GatewayOffice, dns: Dns) -> Finding:
    where = office.settings.dns.resolver
    try:
        answer = await dns.ask(".", "SOA")
    except (DnsFailed, NoSuchName):
        return wrong("resolver", f"{where} does not answer", "start unbound, or set dns.resolver")
    if not answer.is_secure:
        text = f"{where} answers, but not as a validating resolver on this machine: no DANE"
        return unchecked("resolver", text, "use unbound here, with its trust anchor for the root")
    return fine("resolver", f"{where} answers and validates")


async def _names(office: GatewayOffice, dns: Dns) -> AsyncIterator[Finding]:
    names = office.settings.gateway
    yield await _host(names.host, dns)
    for domain in names.official_domains:
        yield await _exchanger(domain, names.host, dns)
        yield await _policy(f"SPF of {domain}", domain, "v=spf1 ", dns)
        yield await _policy(f"DMARC of {domain}", f"_dmarc.{domain}", "v=DMARC1", dns)
        for key in map(published, read_keys(office.directory)):
            yield await _key(key, domain, dns)


async def _host(host: str, dns: Dns) -> Finding:
    subject = f"name {host}"
    try:
        addresses = await dns.addresses(host)
        back = {name for each in addresses for name in await dns.names(each)}
    except DnsFailed:
        return unchecked(subject, "the DNS gave no answer", "ask again later")
    if not addresses:
        return wrong(subject, "has no address", "add its A (and AAAA) record")
    if host not in back:
        mend = "have the provider of the address set its reverse name (PTR): many servers insist"
        return wrong(subject, "its address does not lead back to it", mend)
    return fine(subject, "has an address that leads back to it")


async def _exchanger(domain: str, host: str, dns: Dns) -> Finding:
    subject = f"MX of {domain}"
    route = await dns.route(domain)
    if not isinstance(route, Exchangers):
        return wrong(subject, "says nowhere to bring mail to", _SHOW)
    if host not in {each.host for each in route.records}:
        return wrong(subject, f"does not name {host}", _SHOW)
    return fine(subject, f"names {host}")


async def _policy(subject: str, name: str, begin: str, dns: Dns) -> Finding:
    try:
        texts = await dns.texts(name)
    except DnsFailed:
        return unchecked(subject, "the DNS gave no answer", "ask again later")
    found = [text for text in texts if text.startswith(begin)]
    if len(found) != 1:
        return wrong(subject, f"{len(found)} records begin with {begin.strip()}, not one", _SHOW)
    return fine(subject, found[0])


async def examine_keys(office: GatewayOffice, keys: Sequence[Published]) -> list[Finding]:
    """Look whether the DNS has `keys` for every official domain."""
    dns = Dns(parse_endpoint(office.settings.dns.resolver), office.settings.dns.seconds)
    domains = office.settings.gateway.official_domains
    return [await _key(key, domain, dns) for domain in domains for key in keys]


async def _key(key: Published, domain: str, dns: Dns) -> Finding:
    subject = f"DKIM key {key.selector} of {domain}"
    try:
        texts = await dns.texts(f"{key.selector}._domainkey.{domain}")
    except DnsFailed:
        return unchecked(subject, "the DNS gave no answer", "ask again later")
    if key.text not in texts:
        return wrong(subject, "is not published as it is here", _SHOW)
    return fine(subject, "is published")


async def _link(office: GatewayOffice, wait_seconds: float) -> Finding:
    subject = "link to the core"
    try:
        pairing, way = office.core().pairing(), office.core_way()
    except ConfigError as error:
        return wrong(subject, error.reason, error.hint)
    means = Means(
        clock.monotonic_seconds, random.random, clock.random_octets, link_patience(1.0), Bounds()
    )
    link = StandingLink(Route("core", way), pairing, means)
    running = asyncio.get_running_loop().create_task(link.run())
    try:
        async with (
            asyncio.timeout(wait_seconds),
            link.ask(StillThere(UNNUMBERED), within_seconds=wait_seconds) as answers,
        ):
            await anext(answers)
    except (LinkCut, TimeoutError):
        reached = "was reached, but proved not to be it" if link.counts.not_proven else "is away"
        mend = "is the router up, does the core run, does it list this gateway's address?"
        return wrong(subject, f"the core {reached}", mend)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    return fine(subject, "the core answers and has proven itself")
