# SPDX-License-Identifier: Apache-2.0
"""Opens a port that anybody on the Internet can reach.

The one place where that is allowed; `net.listeners` binds loopback addresses only.
"""

import asyncio
import socket
from collections.abc import Callable

from eepost.net.listeners import BACKLOG, Endpoint


async def listen_openly(
    endpoint: Endpoint, session: Callable[[], asyncio.BaseProtocol]
) -> asyncio.Server:
    """Listen on `endpoint` and make a session for every connection. Raises OSError."""
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    # IPPROTO_TCP has to be named: without it asyncio leaves Nagle's algorithm on.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # Each family has a listener of its own, so that an address has one form only.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((endpoint.host, endpoint.port))
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        return await loop.create_server(session, sock=listener, backlog=BACKLOG)
    except BaseException:
        listener.close()
        raise
