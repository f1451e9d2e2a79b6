# SPDX-License-Identifier: Apache-2.0
"""Every setting of a gateway with its type, bounds, default and reason.

Nothing here names an account, and the core only by where this machine's router leads to it.
"""

from typing import Annotated, Any

from msgspec import Meta, Struct, field

from eepost.app.settings import Log


def _about(text: str, **bounds: Any) -> Meta:
    return Meta(description=text, **bounds)


class Names(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What this gateway is called and whose mail passes it."""

    host: Annotated[
        str,
        _about(
            "This machine's name in the DNS: what MX records point at, what it says in EHLO and in"
            " its Received field. Its address must lead back to it (PTR)."
        ),
    ]
    official_domains: Annotated[
        tuple[str, ...],
        _about(
            "Domains under which the post office is known on the Internet, the current one first;"
            " older ones still receive. The core has the same list."
        ),
    ]
    internal_domain: Annotated[
        str, _about("The post office's domain inside I2P; it never leaves for the Internet.")
    ]


class Link(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The link to the core."""

    listen: Annotated[
        str,
        _about(
            "HOST:PORT, loopback only, for the core's streams: this router's server tunnel ends"
            " here."
        ),
    ] = "127.0.0.1:7662"
    core: Annotated[
        str,
        _about(
            "The way to the core: `port HOST:PORT`, a client tunnel of this machine's router that"
            " leads there, or `socks5 HOST:PORT`, the router's SOCKS5 port."
        ),
    ] = "port 127.0.0.1:7663"
    retry_seconds: Annotated[
        float,
        _about(
            "How long a broken link is left alone before it is dialled again; doubles with each"
            " failure, up to ten minutes.",
            ge=0.1,
            le=600,
        ),
    ] = 5.0
    in_transit_octets: Annotated[
        int,
        _about(
            "Octets of all messages that the core is handing over at once; above it the core is"
            " asked to try again.",
            ge=16_777_216,
        ),
    ] = 134_217_728
    message_octets: Annotated[
        int,
        _about(
            "The largest message that leaves. Rebuilding makes mail grow: half as much again as the"
            " core's smtp.message_octets.",
            ge=65_536,
        ),
    ] = 15_728_640


class Dns(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Questions to the DNS."""

    resolver: Annotated[
        str,
        _about(
            "HOST:PORT of a resolver that validates DNSSEC (unbound on this machine). Only one on"
            " this machine is believed where it says that an answer was signed."
        ),
    ] = "127.0.0.1:53"
    seconds: Annotated[
        float, _about("How long a question may take; afterwards mail waits.", ge=1, le=60)
    ] = 15.0


class GatewaySettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole configuration, gateway.toml in the gateway's data directory."""

    gateway: Names
    link: Link = field(default_factory=Link)
    dns: Dns = field(default_factory=Dns)
    log: Log = field(default_factory=Log)
