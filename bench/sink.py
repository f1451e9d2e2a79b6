# SPDX-License-Identifier: Apache-2.0
"""A server that says yes and stores nothing: shows how fast the load generator can be.

`python -m bench.sink PORT` answers there. It looks only at the first octets of what comes: no
server that does its work can be faster, so this is the limit of what the bench can see.
"""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import uvloop

from bench.dialogues import Login, Submission
from bench.load import Address, Dialogue
from bench.offices import HOST, free_port, spawn, wait_for
from bench.processes import end

_ANSWERS = {
    b"EHLO": b"250 sink\r\n",
    b"AUTH": b"235 2.7.0 Yes\r\n",
    b"MAIL": b"250 2.1.0 Yes\r\n",
    b"RCPT": b"250 2.1.5 Yes\r\n",
    b"DATA": b"354 Go on\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}


class Sink(asyncio.Protocol):
    """Answers each command from a table, and a message with 250."""

    def __init__(self) -> None:
        self._in_message = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self._transport.write(b"220 sink\r\n")

    def data_received(self, octets: bytes) -> None:
        """Answer one command, or the end of a message."""
        if self._in_message:
            if octets.endswith(b"\r\n.\r\n"):
                self._in_message = False
                self._transport.write(b"250 2.0.0 Forgotten\r\n")
            return
        verb = octets[:4]
        self._in_message = verb == b"DATA"
        self._transport.write(_ANSWERS[verb])
        if verb == b"QUIT":
            self._transport.close()


class Forgetful:
    """The sink in a process of its own, as if it were a post office."""

    def __init__(self, folder: Path, logins: Sequence[Login]) -> None:
        self.logins = logins
        self.roots: tuple[int, ...] = ()
        self._folder = folder
        self.smtp: Address = (HOST, free_port())
        self.pop3 = self.smtp

    def start(self, prefix: Sequence[str] = ()) -> None:
        """Start the sink. Raises Unfit."""
        command = (*prefix, sys.executable, "-m", "bench.sink", str(self.smtp[1]))
        self._process = spawn(command, self._folder)
        self.roots = (self._process.pid,)
        wait_for(self.smtp, self._process)

    def stop(self) -> None:
        """End the sink."""
        if self.roots:
            end(self._process)
        self.roots = ()

    def sending(self, sender: Login, recipient: bytes, letter: bytes) -> Dialogue:
        """Return the dialogue that brings a letter in."""
        return Submission(sender, recipient, letter)

    def is_settled(self) -> bool:
        """Say yes: nothing is kept."""
        return True


async def _serve(port: int) -> None:
    # IPPROTO_TCP, or asyncio leaves Nagle's algorithm on.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    await asyncio.get_running_loop().create_server(Sink, sock=listener, backlog=1024)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(int(sys.argv[1])))
