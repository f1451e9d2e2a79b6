# SPDX-License-Identifier: Apache-2.0
"""The whole Internet, and which domain stands for what.

A domain `X.example` takes its mail at `mx.X.example` unless it is said otherwise. The gateways'
domain is example.org, which the tests fill in themselves: see `ours`.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.internet.world.authority import Authority
from tests.internet.world.exim import Exim
from tests.internet.world.place import GATEWAY, POLICIES, SECOND_GATEWAY, host
from tests.internet.world.policies import Policies, policy_hosts
from tests.internet.world.postfix import Listener, Postfix
from tests.internet.world.zones import Zones

OFFICIAL = "example.org"
# Domains whose host is Postfix, with the number of its address, TLS and who signed for it:
# "known" is an authority that everybody trusts, "unknown" one that nobody does.
POSTFIX = {
    "far": (1, "may", "known"),
    "plain": (2, "none", ""),
    "bare": (4, "may", "known"),  # no MX record at all: its own address counts
    "sts": (5, "may", "known"),
    "sts-unknown": (6, "may", "unknown"),
    "sts-plain": (7, "none", ""),
    "sts-other": (8, "may", "known"),  # the policy lists another host
    "dane": (9, "may", "unknown"),
    "dane-anchor": (10, "may", "unknown"),
    "dane-wrong": (11, "may", "unknown"),
    "dane-plain": (12, "none", ""),
    "unknown": (13, "may", "unknown"),  # no policy: TLS is better than none
    "seven": (14, "none", ""),  # neither 8BITMIME nor SMTPUTF8
}
EXIM = ("exim", 3)
SILENT = host(30)  # for tests that serve it themselves
NOBODY = host(31)  # nobody listens there
STS_DOMAINS = [f"{name}.example" for name in POSTFIX if name.startswith("sts")]


@dataclass
class World:
    """All of it, running."""

    folder: Path
    zones: Zones
    known: Authority
    unknown: Authority
    postfix: Postfix
    exim: Exim
    policies: Policies

    def ours(self, *lines: str) -> None:
        """Publish the records of the gateways' domain."""
        self.zones.add(
            OFFICIAL,
            "@ MX 10 mx",
            "@ MX 20 mx2",
            f"mx A {GATEWAY}",
            f"mx2 A {SECOND_GATEWAY}",
            *lines,
        )
        self.zones.publish()


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Start everything; the thread has to be in `place.internet()` already."""
    for name in ("dns", "ca", "postfix", "exim"):
        (folder / name).mkdir()

    known, unknown = Authority(folder / "ca", "known"), Authority(folder / "ca", "unknown")
    zones = Zones(folder / "dns")
    _fill(zones, unknown)
    postfix = Postfix(
        folder / "postfix",
        [_listener(name, {"known": known, "unknown": unknown}) for name in POSTFIX],
        [f"{name}.example" for name in (*POSTFIX, "second")],
    )
    name, number = EXIM
    chain = known.chain_file(f"mx.{name}.example")
    exim = Exim(folder / "exim", f"mx.{name}.example", host(number), f"{name}.example", chain)
    policy_chain = known.chain_file(*(f"mta-sts.{domain}" for domain in STS_DOMAINS))
    with ExitStack() as stack:
        for part in (zones, postfix, exim):
            stack.callback(part.stop)
            part.start()
        policies = stack.enter_context(policy_hosts(policy_chain))
        for domain in STS_DOMAINS:
            listed = "mx.elsewhere.example" if domain == "sts-other.example" else f"*.{domain}"
            policies.texts[f"mta-sts.{domain}"] = (
                f"version: STSv1\r\nmode: enforce\r\nmx: {listed}\r\nmax_age: 86400\r\n"
            )
        yield World(folder, zones, known, unknown, postfix, exim, policies)


def _listener(name: str, authorities: dict[str, Authority]) -> Listener:
    number, tls, authority = POSTFIX[name]
    mx = f"mx.{name}.example"
    chain = authorities[authority].chain_file(mx) if authority else None
    options = (
        ("smtputf8_enable=no", "smtpd_discard_ehlo_keywords=8bitmime") if name == "seven" else ()
    )
    return Listener(mx, host(number), tls, chain, options)


def _fill(zones: Zones, unknown: Authority) -> None:
    tlsa = {
        "dane": unknown.tlsa("mx.dane.example"),
        "dane-anchor": unknown.anchor_tlsa(),
        "dane-wrong": f"3 1 1 {'00' * 32}",
        "dane-plain": f"3 1 1 {'00' * 32}",
    }
    for name, (number, _, _) in POSTFIX.items():
        lines = [f"mx A {host(number)}"]
        if name == "bare":
            lines = [f"@ A {host(number)}"]
        else:
            lines.append("@ MX 10 mx")
        if name.startswith("sts"):
            lines += [f"mta-sts A {POLICIES}", '_mta-sts TXT "v=STSv1; id=1;"']
        if name in tlsa:
            lines.append(f"_25._tcp.mx TLSA {tlsa[name]}")
        zones.add(f"{name}.example", *lines, is_signed=name.startswith("dane"))
    name, number = EXIM
    zones.add(f"{name}.example", "@ MX 10 mx", f"mx A {host(number)}")
    zones.add("null.example", "@ MX 0 .", f"@ A {host(1)}")
    # Nobody at its only exchanger: the domain's own address must not be tried instead.
    zones.add("away.example", "@ MX 10 mx", f"mx A {NOBODY}", f"@ A {host(1)}")
    zones.add("second.example", "@ MX 10 mx.away.example.", "@ MX 20 mx.far.example.")
    zones.add("ourselves.example", "@ MX 10 mx.example.org.", "@ MX 20 mx.far.example.")
    zones.add("at-ours.example", "@ MX 10 mx", f"mx A {GATEWAY}")
    zones.add("inside.example", "@ MX 10 mx", "mx A 127.0.0.1", "mx A 10.0.0.1", "mx AAAA ::1")
    zones.add("silent.example", "@ MX 10 mx", f"mx A {SILENT}")
    zones.add("empty.example", "@ TXT nothing")
    zones.add(
        "66.9.in-addr.arpa",
        "1.2 PTR mx.example.org.",
        "2.2 PTR mx2.example.org.",
        *(f"{number}.1 PTR mx.{name}.example." for name, (number, _, _) in POSTFIX.items()),
        f"{number}.1 PTR mx.{name}.example.",
    )
    zones.add(OFFICIAL, "@ MX 10 mx", f"mx A {GATEWAY}", f"mx2 A {SECOND_GATEWAY}")
