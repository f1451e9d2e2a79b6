# SPDX-License-Identifier: Apache-2.0
"""Looks whether the way from I2P to our services is open, and shut where it has to be.

Everything is tried as a stranger would: through the router's SOCKS5 port, under an identity that
is not ours. Each finding says what to do about it.
"""

import asyncio
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom

from eepost.net.clock import random_octets
from eepost.net.connect import (
    Connection,
    Connector,
    LocalPort,
    Patience,
    Route,
    Socks5,
    Unreachable,
    isolation,
)
from eepost.net.findings import Finding, fine, unchecked, wrong
from eepost.net.i2p.keys import KeysUnusable, read_keys
from eepost.net.listeners import Endpoint, listen
from eepost.net.peers import PeerKind, Resolver, from_header, resolve

# The longest greeting of ours is far shorter.
GREETING_OCTETS = 512
_HEADER = b"x-i2p-destb32:"

APPARMOR_SWITCH = "sys/module/apparmor/parameters/enabled"
APPARMOR_LOADED = "sys/kernel/security/apparmor/profiles"
APPARMOR_PROFILE = "etc/apparmor.d/usr.sbin.i2pd"
APPARMOR_LOCAL = "etc/apparmor.d/local/usr.sbin.i2pd"
APPARMOR_NAMES = ("i2pd", "/usr/sbin/i2pd", "/{usr/,}sbin/i2pd")


@dataclass(frozen=True, slots=True)
class Stranger:
    """A way into I2P under an identity that is not ours, and how long to wait for answers."""

    socks: Endpoint
    patience: Patience

    def connector(self, b32: str, port: int) -> Connector:
        """Return a connector to a port of a destination."""
        way = Socks5(self.socks, b32, port, isolation(random_octets))
        return _connector(way, self.patience)


def _connector(way: LocalPort | Socks5, patience: Patience) -> Connector:
    return Connector([Route("probe", way)], patience, time.monotonic, SystemRandom().random)


def keys_are_private(subject: str, file: Path) -> Finding:
    """Look whether a keys file is whole and its owner's alone."""
    try:
        keys = read_keys(file)
    except FileNotFoundError:
        return wrong(subject, f"{file} is missing", "run eepost i2p setup")
    except PermissionError:
        return unchecked(subject, f"{file} belongs to the router's user", "ask as root")
    except KeysUnusable as reason:
        return wrong(subject, f"{file} {reason}", f"chmod 600 {file}, or put a backup back")
    return fine(subject, keys.b32)


def file_is_current(subject: str, file: Path, expected: str) -> Finding:
    """Look whether the router's folder holds the tunnels that belong to today's settings."""
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return wrong(subject, f"{file} is missing", "run eepost i2p setup")
    except OSError:
        return unchecked(subject, f"{file} can't be read by this user", "ask as root")
    if text != expected:
        return wrong(
            subject,
            f"{file} differs from what the settings ask for",
            "run eepost i2p setup again, then let the router reload its tunnels",
        )
    if file.stat().st_mode & stat.S_IWOTH:
        return wrong(subject, f"{file} can be changed by anybody", f"chmod o-w {file}")
    return fine(subject, str(file))


def is_confined(subject: str, folder: Path, root: Path) -> Finding:
    """Look whether AppArmor keeps i2pd from a folder of our own."""
    try:
        is_on = (root / APPARMOR_SWITCH).read_bytes()[:1] == b"Y"
    except OSError:
        is_on = False
    if not is_on or not (root / APPARMOR_PROFILE).exists():
        return fine(subject, "AppArmor does not confine i2pd")
    try:
        loaded = (root / APPARMOR_LOADED).read_text("utf-8", "replace")
    except OSError:
        return unchecked(subject, "AppArmor's profiles can't be read by this user", "ask as root")
    if not any(line.partition(" (")[0] in APPARMOR_NAMES for line in loaded.splitlines()):
        return fine(subject, "AppArmor's profile for i2pd is not loaded")
    try:
        local = (root / APPARMOR_LOCAL).read_text("utf-8", "replace")
    except OSError:
        local = ""
    if str(folder) in local:
        return fine(subject, f"AppArmor lets i2pd use {folder}")
    return wrong(
        subject,
        f"AppArmor keeps i2pd from {folder}",
        f"add `owner {folder}/ rw,` and `owner {folder}/** rwk,` to /{APPARMOR_LOCAL}, "
        f"then apparmor_parser -r /{APPARMOR_PROFILE}",
    )


async def greeting_of(endpoint: Endpoint, patience: Patience) -> bytes | None:
    """Return the first line of a service on this machine, or None."""
    try:
        connection = await _connector(LocalPort(endpoint), patience).greeted()
    except Unreachable:
        return None
    return await _first_line(connection)


async def _first_line(connection: Connection) -> bytes:
    octets = await connection.reader.read(GREETING_OCTETS)
    await connection.close()
    return octets.partition(b"\r\n")[0]


async def proxy_answers(subject: str, stranger: Stranger) -> Finding:
    """Look whether the router's SOCKS5 port is open at all."""
    try:
        connection = await _connector(LocalPort(stranger.socks), stranger.patience).opened()
    except Unreachable:
        return wrong(
            subject,
            f"nothing listens on {stranger.socks}, the router's SOCKS5 port",
            "start the router, enable its SOCKS proxy, or name another port with --socks",
        )
    await connection.close()
    return fine(subject, f"the router's SOCKS5 port is {stranger.socks}")


async def service_is_reached(
    subject: str, stranger: Stranger, b32: str, port: int, local: Endpoint
) -> list[Finding]:
    """Look whether a stranger finds the destination and reads the greeting of the service there."""
    expected = await greeting_of(local, stranger.patience)
    if expected is None:
        return [wrong(subject, f"nothing answers on {local}", "start it: eepost serve")]
    connector = stranger.connector(b32, port)
    try:
        connection = await connector.greeted()
    except Unreachable:
        return [_unreached(subject, connector)]
    seconds = connector.counts.connect_seconds + connector.counts.first_octet_seconds
    if await _first_line(connection) != expected:
        return [
            wrong(
                subject,
                "something else answers under our destination",
                "does another tunnel use the same keys file or port? eepost i2p show lists ours",
            )
        ]
    return [fine(subject, f"found and answered through I2P after {seconds:.1f} s")]


def _unreached(subject: str, connector: Connector) -> Finding:
    if connector.counts.connected:
        return wrong(
            subject,
            "the destination is found, but nothing answers through the tunnel",
            "did the router reload its tunnels? i2pd: systemctl reload i2pd, or kill -HUP",
        )
    return wrong(
        subject,
        "a stranger does not find the destination (LeaseSet)",
        "a new router needs some minutes; then see whether the router has read the tunnels file",
    )


@dataclass(slots=True)
class _Visits:
    peernames: list[object] = field(default_factory=list)
    transports: list[asyncio.Transport] = field(default_factory=list)
    octets: bytearray = field(default_factory=bytearray)
    came: asyncio.Event = field(default_factory=asyncio.Event)


class _Visited(asyncio.Protocol):
    """Notes who comes and what is said, up to a bound, and answers with one octet."""

    def __init__(self, visits: _Visits) -> None:
        self._visits = visits

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker only
        self._visits.peernames.append(transport.get_extra_info("peername"))
        self._visits.transports.append(transport)
        transport.write(b"\r\n")

    def data_received(self, data: bytes) -> None:
        room = 16_384 - len(self._visits.octets)
        self._visits.octets += data[: max(0, room)]
        if b"\r\n\r\n" in self._visits.octets:
            self._visits.came.set()


@asynccontextmanager
async def _visited(endpoint: Endpoint) -> AsyncIterator[_Visits | None]:
    """Listen on a port that nobody serves; None where somebody does."""
    visits = _Visits()
    try:
        server = await listen(endpoint, lambda: _Visited(visits))
    except OSError:
        yield None
        return
    try:
        yield visits
    finally:
        server.close()
        await server.wait_closed()
        for transport in visits.transports:
            transport.abort()


async def strangers_are_refused(
    subject: str, stranger: Stranger, b32: str, port: int, local: Endpoint
) -> Finding:
    """Look whether the access list keeps a stranger off the gateway link's port.

    Where nobody serves the port, it is served for a moment, so that silence means the list.
    """
    async with _visited(local) as visits:
        connector = stranger.connector(b32, port)
        try:
            connection = await connector.greeted()
        except Unreachable:
            if not connector.counts.connected:
                return _unreached(subject, connector)
            return fine(subject, "a destination that is not paired is refused")
        await connection.close()
        came = "reached the port" if visits is None or visits.peernames else "was answered"
        return wrong(
            subject,
            f"a destination that is not paired {came}",
            "the link's tunnel needs accesslist; run eepost i2p setup --paired ADDRESS again",
        )


async def strangers_do_not_find(subject: str, stranger: Stranger, b33: str, port: int) -> Finding:
    """Look whether an encrypted lease set keeps the destination from who has no key for it.

    Not to find it is all that a stranger can see: it may as well not be there.
    """
    connector = stranger.connector(b33, port)
    try:
        connection = await connector.greeted()
    except Unreachable:
        if not connector.counts.connected:
            return fine(subject, "a stranger does not find it without a key")
    else:
        await connection.close()
    return wrong(
        subject,
        "a stranger finds the link without a key",
        "did the router read the tunnels file? run eepost i2p setup again and reload it",
    )


async def peers_are_told_apart(
    subject: str, stranger: Stranger, b32: str, port: int, local: Endpoint
) -> list[Finding]:
    """Look how a stranger is shown to us: by a mapped address, and by X-I2P-DestB32 at port 80."""
    async with _visited(local) as visits:
        if visits is None:
            return [unchecked(subject, f"{local} is in use", "stop what serves it and ask again")]
        connector = stranger.connector(b32, port)
        try:
            connection = await connector.opened()
        except Unreachable:
            return [_unreached(subject, connector)]
        connection.writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            await asyncio.wait_for(visits.came.wait(), stranger.patience.first_octet_seconds)
        except TimeoutError:
            return [_unreached(subject, connector)]
        finally:
            await connection.close()
        return [*_mapping(subject, visits)]


def _mapping(subject: str, visits: _Visits) -> list[Finding]:
    peername = visits.peernames[0]
    if resolve(peername, Resolver.MAPPED).kind is PeerKind.UNKNOWN:
        mapped = wrong(
            subject,
            "all peers come from one address: limits can't tell them apart",
            "set enableuniquelocal = true on the tunnels (Java: unique local address per client)",
        )
    else:
        mapped = fine(subject, "every peer has a loopback address of its own")
    lines = bytes(visits.octets).split(b"\r\n")
    named = [line.partition(b":")[2].strip() for line in lines if line.lower().startswith(_HEADER)]
    if from_header(peername, Resolver.DESTINATION_HEADER, named).kind is PeerKind.UNKNOWN:
        header = wrong(
            f"{subject} (portal)",
            "the portal is not told who its visitors are",
            "the tunnel for port 80 needs type = http (Java: HTTP server)",
        )
    else:
        header = fine(f"{subject} (portal)", "the router names each visitor")
    return [mapped, header]
