# SPDX-License-Identifier: Apache-2.0
"""Opens TCP connections to addresses of the Internet; names were looked up before, see `net.dns`.

Trust: addresses come out of strangers' zones; `wire.outward.route.may_dial` has let them pass.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import TypeAlias

# Address, port and seconds to a connected socket.
Dial: TypeAlias = Callable[[str, int, float], Awaitable[socket.socket]]


async def dial(address: str, port: int, seconds: float) -> socket.socket:
    """Return a connected socket. Raises OSError, TimeoutError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.timeout(seconds):
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock
