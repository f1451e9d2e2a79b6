# SPDX-License-Identifier: Apache-2.0
"""Where a domain takes its mail, as the DNS says (RFC 5321 5.1, RFC 7505).

Trust: anybody can own a domain and point it anywhere, also at ourselves or into our own network.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

# Hosts of one domain that are looked at; a long list only keeps us busy.
MAX_HOSTS = 10
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052 2.1
# What the library takes for anybody's: IPv4-compatible and site-local addresses, which nobody gives
# out any more (RFC 4291 2.5.5.1, RFC 3879), and a network's own NAT64 (RFC 8215).
_INWARD: Final = tuple(map(IPv6Network, ("::/96", "fec0::/10", "64:ff9b:1::/48")))


class DnsFailed(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """No answer, or one that does not validate: nothing is known, ask again later."""


@dataclass(frozen=True, slots=True)
class Exchanger:
    """An MX record: lower preference first. `host` in lower case, without its last dot."""

    preference: int
    host: str


@dataclass(frozen=True, slots=True)
class Exchangers:
    """The hosts of a domain. `is_secure`: the resolver has validated that (DNSSEC)."""

    records: tuple[Exchanger, ...]
    is_secure: bool = False


@dataclass(frozen=True, slots=True)
class NoRoute:
    """Mail for the domain can't leave: an enhanced status code of class 4 or 5 says why."""

    status: str

    @property
    def is_final(self) -> bool:
        """It won't change by waiting."""
        return self.status.startswith("5")


# RFC 7505 4.1, RFC 3463 3.2, 3.5, RFC 7504 is for hosts, not domains.
NULL_MX = NoRoute("5.1.10")
NO_DOMAIN = NoRoute("5.1.2")
LOOPS = NoRoute("5.4.6")
NO_ANSWER = NoRoute("4.4.3")

Route = Exchangers | NoRoute


def route_of(records: Sequence[Exchanger], is_secure: bool) -> Route:
    """Return what MX records mean; there is at least one.

    A single one that names the root says that the domain takes no mail; among others it says
    nothing (RFC 7505 3).
    """
    named = tuple(each for each in records if each.host)
    return Exchangers(named, is_secure) if named else NULL_MX


def in_order(
    route: Exchangers, own_host: str, chance: Callable[[], float]
) -> tuple[str, ...] | NoRoute:
    """Return the hosts in the order to try them, those of one preference at random.

    Where `own_host` is among them, mail would come back to us: it and all that come after it are
    left out (RFC 5321 5.1), and with nothing left the domain leads in a circle.
    """
    own = [each.preference for each in route.records if each.host == own_host]
    nearer = [each for each in route.records if not own or each.preference < min(own)]
    ordered = sorted(nearer, key=lambda each: (each.preference, chance()))
    hosts = tuple(dict.fromkeys(each.host for each in ordered))
    return hosts[:MAX_HOSTS] or LOOPS


def may_dial(address: str, own: frozenset[str]) -> bool:
    """Whether an MX host's address is somebody else's on the Internet.

    A private, loopback or otherwise special address would lead into networks that only this
    machine can reach, the core's router among them.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    plain = _plain(parsed)
    if not plain.is_global or plain.is_multicast or str(plain) in own:
        return False
    return plain.version == 4 or not any(plain in each for each in _INWARD)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if not isinstance(address, IPv6Address):
        return address
    # Behind each of these stands an IPv4 address, which is what has to be looked at.
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address
