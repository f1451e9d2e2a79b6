# SPDX-License-Identifier: Apache-2.0
"""Opens streams to named peers: through a tunnel's local port, or through a router's SOCKS5 port.

The same way serves Tor. Nothing else is ever dialled: both ends of what this machine opens are
loopback, and a name behind SOCKS5 must be one that only such a network knows, because a router
with an outproxy would carry any other name to the open Internet.

A tunnel's port accepts before the far side has heard of it, so a connection proves nothing; only
the first octet that comes does, and it has a deadline of its own (RFC 5321 4.5.3.2.1 gives the
greeting five minutes). A peer that failed is left alone for a while that doubles.

Trust: whoever owns the local port, and through it a far side that proved nothing yet.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from python_socks import ProxyError, ProxyType
from python_socks.async_.asyncio import Proxy

from eepost.net.listeners import Endpoint

_HIDDEN_NAME = re.compile(r"(?=.{1,255}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:i2p|onion)")
# Octets that may wait in a reader before the stream is paused: twice this.
READER_LIMIT_OCTETS = 65_536
# The connector's own deadline rules; unless told, python-socks would give up after a minute.
NO_DEADLINE_SECONDS = float(2**20)


class Unreachable(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """No peer could be reached. `retry_seconds` says when the first of them is due again."""

    def __init__(self, retry_seconds: float) -> None:
        super().__init__("no peer could be reached")
        self.retry_seconds = retry_seconds


@dataclass(frozen=True, slots=True)
class Isolation:
    """An identity at a SOCKS5 port: Tor never lets two of them share a circuit.

    An I2P router ignores it and speaks as the destination of its SOCKS5 tunnel; there, isolation
    is a tunnel with a keys file of its own.
    """

    username: str = field(repr=False)
    password: str = field(repr=False)


def isolation(random_octets: Callable[[int], bytes]) -> Isolation:
    """Return an identity that nothing else has."""
    return Isolation(random_octets(16).hex(), random_octets(16).hex())


@dataclass(frozen=True, slots=True)
class LocalPort:
    """A client tunnel's port, or a service on this machine."""

    endpoint: Endpoint

    def __post_init__(self) -> None:
        _require_loopback(self.endpoint)


@dataclass(frozen=True, slots=True)
class Socks5:
    """A hidden name behind a router's SOCKS5 port. Raises ValueError with a reason to show."""

    proxy: Endpoint
    host: str = field(repr=False)  # who talks to whom is nobody's business in a traceback
    port: int
    isolation: Isolation

    def __post_init__(self) -> None:
        _require_loopback(self.proxy)
        if not _HIDDEN_NAME.fullmatch(self.host):
            raise ValueError("needs a name in lower case that ends in .i2p or .onion")
        if not 0 < self.port <= 65_535:
            raise ValueError("needs a port from 1 to 65535")


@dataclass(frozen=True, slots=True)
class Route:
    """A peer by the name its operator gave it, and the way there."""

    name: str
    way: LocalPort | Socks5


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds; a round trip over I2P takes several of them."""

    # A router looks up the far side and builds tunnels first: tens of seconds at a cold start.
    connect_seconds: float = 90.0
    # From connect to the first octet; RFC 5321 4.5.3.2.1 gives a greeting five minutes.
    first_octet_seconds: float = 300.0
    # Pause after a first failure; doubles with each further one.
    retry_first_seconds: float = 5.0
    # A far side that was away for a day is found again within ten minutes.
    retry_longest_seconds: float = 600.0


@dataclass(slots=True)
class ConnectCounts:
    """What was tried and how long it took; numbers only, of all peers together."""

    attempts: int = 0
    refused: int = 0
    silent: int = 0
    connected: int = 0
    heard: int = 0
    connect_seconds: float = 0.0
    first_octet_seconds: float = 0.0
    octets_in: int = 0
    octets_out: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Connection:
    """An open stream to a named peer; close `writer` when done."""

    peer: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    _first: "asyncio.Future[bool]" = field(repr=False)

    async def first_octet(self, within_seconds: float) -> bool:
        """Wait until the far side said anything. False if it closed or stayed silent."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._first), within_seconds)
        except TimeoutError:
            return False

    async def close(self) -> None:
        """Drop the stream at once; half-closing does not work over I2P and is never tried."""
        self.writer.transport.abort()
        try:
            await self.writer.wait_closed()
        except OSError:
            return


@dataclass(slots=True)
class _Standing:
    """How a peer did lately."""

    failures: int = 0
    due: float = 0.0


class Connector:
    """Reaches the first of several peers that answers, in their order, each in its turn."""

    def __init__(
        self,
        routes: Sequence[Route],
        patience: Patience,
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        """Try `routes` in order. `clock` gives monotonic seconds, `chance` numbers in [0, 1)."""
        self.counts = ConnectCounts()
        self._routes = tuple(routes)
        self._patience = patience
        self._clock = clock
        self._chance = chance
        self._standing = {route.name: _Standing() for route in self._routes}
        if len(self._standing) != len(self._routes):
            raise ValueError("names a peer twice")

    async def greeted(self) -> Connection:
        """Return a stream whose far side has spoken, for protocols in which it speaks first.

        What it said waits in the reader. Raises Unreachable.
        """
        return await self._first_that(self._greeted)

    async def opened(self) -> Connection:
        """Return a stream that is open as far as this machine can tell. Raises Unreachable.

        For protocols in which we speak first: ask for `first_octet` after that, since nothing
        else shows that nobody is there.
        """
        return await self._first_that(self._opened)

    def served(self, peer: str) -> None:
        """Forget the failures of `peer`: it did its part, which a mere greeting does not show."""
        self._standing[peer] = _Standing()

    def failed(self, peer: str) -> None:
        """Leave `peer` alone for a while: it was reached and did not do its part."""
        standing = self._standing[peer]
        pause = self._patience.retry_first_seconds * 2.0 ** min(standing.failures, 32)
        pause = min(pause, self._patience.retry_longest_seconds)
        standing.failures += 1
        # Peers that failed together, for instance all at a router's restart, come back apart.
        standing.due = self._clock() + pause * (0.5 + self._chance() / 2)

    async def _first_that(
        self, reach: Callable[[Route], Awaitable[Connection | None]]
    ) -> Connection:
        for route in self._routes:
            if self._standing[route.name].due > self._clock():
                continue
            connection = await reach(route)
            if connection is not None:
                return connection
            self.failed(route.name)
        due = min((standing.due for standing in self._standing.values()), default=self._clock())
        raise Unreachable(max(0.0, due - self._clock()))

    async def _greeted(self, route: Route) -> Connection | None:
        connection = await self._opened(route)
        if connection is None:
            return None
        begun = self._clock()
        heard = False
        try:
            heard = await connection.first_octet(self._patience.first_octet_seconds)
        finally:
            if not heard:  # also where somebody cancelled us
                connection.writer.transport.abort()
        if not heard:
            self.counts.silent += 1
            return None
        self.counts.heard += 1
        self.counts.first_octet_seconds += self._clock() - begun
        return connection

    async def _opened(self, route: Route) -> Connection | None:
        self.counts.attempts += 1
        begun = self._clock()
        try:
            async with asyncio.timeout(self._patience.connect_seconds):
                connection = await _connect(route, self.counts)
        # A SOCKS5 port may answer anything; the library lets its parser's errors through.
        except (OSError, TimeoutError, ProxyError, ValueError, IndexError):
            self.counts.refused += 1
            return None
        self.counts.connected += 1
        self.counts.connect_seconds += self._clock() - begun
        return connection


class _Heard(asyncio.StreamReaderProtocol):
    """A stream that remembers whether anything ever came, and counts."""

    def __init__(self, reader: asyncio.StreamReader, counts: ConnectCounts) -> None:
        super().__init__(reader)
        self.first: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._counts = counts

    def data_received(self, data: bytes) -> None:
        self._counts.octets_in += len(data)
        self._settle(heard=True)
        super().data_received(data)

    def eof_received(self) -> bool | None:
        self._settle(heard=False)
        super().eof_received()
        return False  # a half-closed stream is dead over I2P: let the transport close it

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle(heard=False)
        super().connection_lost(exc)

    def _settle(self, *, heard: bool) -> None:
        if not self.first.done():
            self.first.set_result(heard)


class _CountedWriter(asyncio.StreamWriter):
    counts: ConnectCounts

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.counts.octets_out += len(data)
        super().write(data)


async def _connect(route: Route, counts: ConnectCounts) -> Connection:
    sock = await _socket(route.way)
    try:
        # Not left to the loop: it only does so for sockets that were made with IPPROTO_TCP.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=READER_LIMIT_OCTETS, loop=loop)
        transport, protocol = await loop.create_connection(
            lambda: _Heard(reader, counts), sock=sock
        )
    except BaseException:
        sock.close()
        raise
    writer = _CountedWriter(transport, protocol, reader, loop)
    writer.counts = counts
    return Connection(route.name, reader, writer, protocol.first)


async def _socket(way: LocalPort | Socks5) -> socket.socket:
    if isinstance(way, LocalPort):
        return await _plain_socket(way.endpoint)
    proxy = Proxy(
        ProxyType.SOCKS5,
        way.proxy.host,
        way.proxy.port,
        username=way.isolation.username,
        password=way.isolation.password,
        rdns=True,  # names are looked up by the router, never by this machine
    )
    return await proxy.connect(way.host, way.port, timeout=NO_DEADLINE_SECONDS)


async def _plain_socket(endpoint: Endpoint) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (endpoint.host, endpoint.port))
    except BaseException:
        sock.close()
        raise
    return sock


def _require_loopback(endpoint: Endpoint) -> None:
    if not endpoint.is_loopback:
        raise ValueError("is not a loopback address: nothing else is ever dialled from here")
