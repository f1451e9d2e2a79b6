# SPDX-License-Identifier: Apache-2.0
"""Every setting of a letterbox with its type, bounds, default and reason.

`letterbox.toml` holds what all identities share; each has a folder with an `identity.toml`.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from eepost.app.settings import Log, Workers


def _about(text: str, **bounds: Any) -> Meta:
    return Meta(description=text, **bounds)


class Programs(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the user's own mail programs may do, whichever identity they use."""

    message_octets: Annotated[
        int,
        _about("The largest message that is taken from a mail program.", ge=65_536, le=52_428_800),
    ] = 10_485_760
    wait_seconds: Annotated[
        float,
        _about(
            "How long a mail program that looks for mail waits for what is new; then it gets what"
            " is here, and the rest the next time. Most programs give up after a minute.",
            ge=0,
            le=300,
        ),
    ] = 20.0
    connections: Annotated[
        int, _about("Sessions at once at each port; a mail program opens a few.", ge=1)
    ] = 100
    idle_seconds: Annotated[
        int, _about("Silence that ends a session (RFC 1939 3: at least 600).", ge=600)
    ] = 600
    in_transit_octets: Annotated[
        int, _about("Octets of all messages that are being handed in at once.", ge=16_777_216)
    ] = 134_217_728


class Account(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who its user is towards this service."""

    domains: Annotated[
        tuple[str, ...],
        _about(
            "The right sides of the user's address, the one that he is known by inside I2P first:"
            " mail.i2p, then the service's official domain on the Internet."
        ),
    ]
    login: Annotated[
        Literal["name", "address"],
        _about("What the service wants as a login: the name alone, or the whole address."),
    ] = "name"
    leaves_mail: Annotated[
        bool,
        _about(
            "Leave mail at the service until it is deleted here. Without it, it is deleted there as"
            " soon as it is safe on this disk: the service then holds less, and so does whoever"
            " takes it."
        ),
    ] = True
    trash_days: Annotated[
        int, _about("How long what was deleted stays in the trash.", ge=1, le=3_650)
    ] = 30


class Service(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The way to the service; nothing else is ever dialled."""

    smtp: Annotated[
        str,
        _about(
            "The way to its SMTP: `port HOST:PORT`, a client tunnel of the router, or"
            " `socks5 HOST:PORT NAME:PORT`, the router's SOCKS5 port and the service's name, which"
            " ends in .i2p or .onion."
        ),
    ]
    pop3: Annotated[str, _about("The way to its POP3, in the same form.")]
    silence_seconds: Annotated[
        float,
        _about("How long the service may say nothing before a session is given up.", ge=5),
    ] = 180.0
    shares_destination: Annotated[
        bool,
        _about(
            "Another identity uses the same tunnels. The services then see one destination, and can"
            " know that both are one person: refused unless this is true for one of them."
        ),
    ] = False


class Listen(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where mail programs reach this identity, on loopback."""

    smtp: Annotated[str, _about("HOST:PORT for sending.")] = "127.0.0.1:7659"
    pop3: Annotated[str, _about("HOST:PORT for fetching.")] = "127.0.0.1:7660"


class IdentitySettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One identity: identity.toml in its own folder, beside its letters."""

    account: Account
    service: Service
    listen: Listen = field(default_factory=Listen)


class Pages(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The letterbox's web pages, for browsers on this machine."""

    listen: Annotated[
        str, _about("HOST:PORT on loopback; empty: no pages. All identities share them.")
    ] = "127.0.0.1:7671"


class LetterboxSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all identities share: letterbox.toml in the data directory."""

    programs: Programs = field(default_factory=Programs)
    pages: Pages = field(default_factory=Pages)
    workers: Workers = field(default_factory=Workers)
    log: Log = field(default_factory=Log)
