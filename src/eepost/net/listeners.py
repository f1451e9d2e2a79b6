# SPDX-License-Identifier: Apache-2.0
"""Opens the ports that peers connect to.

Only loopback addresses are ever bound: the I2P router's tunnels end there, and everything else
would show the service, and passwords without TLS, to a network that is not I2P.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass

# Waiting connections before the kernel refuses more; bursts of tunnels arrive together.
BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A local address and port to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Nothing outside this machine reaches it."""
        return ipaddress.ip_address(self.host).is_loopback


def parse_endpoint(text: str) -> Endpoint:
    """Return the endpoint in `HOST:PORT` or `[HOST]:PORT`, numbers only.

    Raises ValueError with a reason that can be shown. Names are not taken: looking one up would be
    a question to a name server.
    """
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError("is not HOST:PORT, for example 127.0.0.1:7659")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ValueError("needs a numeric host address, for example 127.0.0.1") from None
    return Endpoint(host, int(port))


async def listen(endpoint: Endpoint, session: Callable[[], asyncio.BaseProtocol]) -> asyncio.Server:
    """Listen on `endpoint` and make a session for every connection.

    Raises OSError, and ValueError for an address that others could reach, whoever asks for it.
    """
    listener = loopback_socket(endpoint)
    try:
        loop = asyncio.get_running_loop()
        return await loop.create_server(session, sock=listener, backlog=BACKLOG)
    except BaseException:
        listener.close()
        raise


def loopback_socket(endpoint: Endpoint) -> socket.socket:
    """Return a socket bound to `endpoint`, that does not listen yet.

    Raises OSError, and ValueError for an address that others could reach, whoever asks for it.
    """
    if not endpoint.is_loopback:
        raise ValueError("is not a loopback address: nothing else is ever listened on")
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    # IPPROTO_TCP has to be named: without it asyncio leaves Nagle's algorithm on, which made one
    # client wait 40 ms for every reply.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((endpoint.host, endpoint.port))
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def bound_endpoint(server: asyncio.Server) -> Endpoint:
    """Return where `server` really listens, of use where port 0 was asked for."""
    host, port = server.sockets[0].getsockname()[:2]
    return Endpoint(host, port)
