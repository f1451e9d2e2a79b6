# SPDX-License-Identifier: Apache-2.0
"""Every setting of a gateway with its type, bounds, default and reason.

Nothing here names an account, and the core only by where this machine's router leads to it.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from eepost.app.settings import Log, Workers


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
            " failure, up to a minute.",
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


class Mx(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Mail from the Internet: what other mail servers reach."""

    listen: Annotated[
        tuple[str, ...],
        _about(
            "HOST:PORT, each where other mail servers reach this one: 0.0.0.0:25 and [::]:25, or"
            " this machine's own addresses. Empty: no mail is taken from the Internet."
        ),
    ] = ()
    certificate: Annotated[
        str,
        _about(
            "PEM file with the certificate and its chain, for STARTTLS; relative to the data"
            " directory. Read again when it was renewed. Empty: mail comes in the clear."
        ),
    ] = ""
    certificate_key: Annotated[
        str, _about("PEM file with the certificate's key. Empty: it is in the same file.")
    ] = ""
    recipients_mode: Annotated[
        Literal["ask", "accept-then-drop"],
        _about(
            "`ask` asks the core about every recipient while the sender waits, so that a mistyped"
            " address is refused at once. `accept-then-drop` takes mail for every address and"
            " hands it over later: nobody learns which addresses exist, and nobody hears of a"
            " mistake either."
        ),
    ] = "ask"
    answer_seconds: Annotated[
        float,
        _about(
            "How long the core may take to answer for a message while the sender waits; then it is"
            " sealed to the core's key, kept here and brought later.",
            ge=0.1,
            le=300,
        ),
    ] = 45.0
    kept_messages: Annotated[
        int, _about("Sealed messages that may wait here while the core is away.", ge=1)
    ] = 20_000
    kept_octets: Annotated[
        int,
        _about("What they may take of the disk; above either, senders are put off.", ge=1_000_000),
    ] = 2_000_000_000
    kept_days: Annotated[
        int,
        _about(
            "How long a message waits here for the core, or for room in its maildrop, before it is"
            " dropped. The core knows repetitions for seven days.",
            ge=1,
            le=7,
        ),
    ] = 5
    forward_seconds: Annotated[
        float,
        _about("How often it is tried to bring the core what waits here.", ge=0.1, le=3_600),
    ] = 15.0
    refuses_spf_fail: Annotated[
        bool,
        _about(
            "Refuse mail whose sender's domain denies the sending host (SPF -all) where no"
            " signature and no DMARC policy speaks for it. Forwarded mail may be hit."
        ),
    ] = True
    greylisting: Annotated[
        bool,
        _about(
            "Put off the first mail of an unknown network for five minutes. Kept in memory only,"
            " as keyed hashes; mail from large providers may come hours late."
        ),
    ] = False
    block_lists: Annotated[
        tuple[str, ...],
        _about(
            "DNS zones that list hosts which send abuse (RFC 5782). Each is asked about every host"
            " that brings mail, and so learns of it."
        ),
    ] = ()
    messages_per_network: Annotated[
        int, _about("Messages an hour from one network (/24, or /48 of IPv6).", ge=1)
    ] = 2_000
    refusals_per_network: Annotated[
        int,
        _about("Recipients refused to one network in an hour, after which it is put off.", ge=1),
    ] = 100
    connections: Annotated[int, _about("Sessions at once; the next one gets 421.", ge=1)] = 1_000
    connections_per_network: Annotated[
        int, _about("Sessions at once from one network, so that none takes all of them.", ge=1)
    ] = 50
    idle_seconds: Annotated[
        int, _about("Silence that ends a session (RFC 5321 4.5.3.2.7 asks for 300).", ge=10)
    ] = 300
    session_seconds: Annotated[int, _about("The longest session.", ge=60)] = 3_600
    message_octets: Annotated[
        int, _about("The largest message, announced by SIZE (RFC 1870).", ge=65_536)
    ] = 10_485_760
    recipients: Annotated[
        int, _about("Recipients of one message (RFC 5321 4.5.3.1.8: at least 100).", ge=100)
    ] = 100
    command_line_octets: Annotated[int, _about("The longest command line.", ge=1036)] = 2_048
    text_line_octets: Annotated[
        int,
        _about(
            "The longest line in a message. RFC 5321 4.5.3.1.6 asks for 1000; real mail holds"
            " longer ones.",
            ge=1_000,
        ),
    ] = 65_536
    errors: Annotated[int, _about("Wrong commands after which a session is closed.", ge=3)] = 20
    commands: Annotated[int, _about("Commands in one session, so that it ends.", ge=100)] = 5_000
    messages: Annotated[int, _about("Messages in one session, so that it ends.", ge=1)] = 200
    in_transit_octets: Annotated[
        int,
        _about(
            "Octets of all messages that are coming in at once; above it new content gets 452.",
            ge=16_777_216,
        ),
    ] = 134_217_728


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


class Relay(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Delivery to the Internet."""

    sessions: Annotated[
        int, _about("Sessions with far servers at once; each holds a message in memory.", ge=1)
    ] = 100
    sessions_per_domain: Annotated[
        int,
        _about("Sessions at once with the servers of one domain; many take more for an attack."),
    ] = 4
    connect_seconds: Annotated[
        float, _about("How long a server may take to be there.", ge=1, le=300)
    ] = 30.0
    command_seconds: Annotated[
        float,
        _about("How long a reply may take (RFC 5321 4.5.3.2 asks for five minutes).", ge=1, le=900),
    ] = 300.0
    content_seconds: Annotated[
        float,
        _about(
            "How long the reply to a message may take (RFC 5321 4.5.3.2.6 asks for ten minutes):"
            " giving up earlier makes duplicates.",
            ge=1,
            le=1_800,
        ),
    ] = 600.0
    policy_seconds: Annotated[
        float, _about("How long a domain's MTA-STS host may take.", ge=1, le=60)
    ] = 20.0


class GatewaySettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole configuration, gateway.toml in the gateway's data directory."""

    gateway: Names
    link: Link = field(default_factory=Link)
    mx: Mx = field(default_factory=Mx)
    dns: Dns = field(default_factory=Dns)
    relay: Relay = field(default_factory=Relay)
    workers: Workers = field(default_factory=Workers)
    log: Log = field(default_factory=Log)
