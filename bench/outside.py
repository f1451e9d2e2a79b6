# SPDX-License-Identifier: Apache-2.0
"""The far end of a relay: a mail server that says yes, and the resolver that leads to it.

They have an address of the Internet's kind, since a gateway dials no other; whoever uses them is
in a network namespace that nothing leaves. `python -m bench.outside ADDRESS` is the server: it
writes a line for each message that came.
"""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import uvloop

from bench.offices import Unfit, fill, spawn, tool, wait_for
from bench.processes import end

ADDRESS = "9.66.1.1"
DOMAIN = "far.example"
RESOLVER = "127.0.0.1:5353"
_SETTINGS = Path(__file__).parent / "settings"
_ANSWERS = {
    b"EHLO": b"250-mx.far.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 50000000\r\n",
    b"MAIL": b"250 2.1.0 Yes\r\n",
    b"RCPT": b"250 2.1.5 Yes\r\n",
    b"DATA": b"354 Go on\r\n",
    b"RSET": b"250 2.0.0 Yes\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}
_END = b"\r\n.\r\n"


class Exchanger(asyncio.Protocol):
    """Takes commands one after the other or in a burst, and messages whole."""

    def __init__(self) -> None:
        self._waiting = b""
        self._in_message = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(b"220 mx.far.example ESMTP\r\n")

    def data_received(self, octets: bytes) -> None:
        """Answer all commands that are whole."""
        self._waiting += octets
        while self._take():
            pass

    def _take(self) -> bool:
        mark = _END if self._in_message else b"\r\n"
        taken, found, rest = self._waiting.partition(mark)
        if not found:
            return False
        self._waiting = rest
        if self._in_message:
            self._in_message = False
            sys.stdout.write("message\n")
            sys.stdout.flush()
            self._transport.write(b"250 2.0.0 Taken\r\n")
            return True
        verb = taken[:4].upper()
        self._in_message = verb == b"DATA"
        self._transport.write(_ANSWERS.get(verb, b"502 5.5.1 What?\r\n"))
        if verb == b"QUIT":
            self._transport.close()
        return True


@contextlib.contextmanager
def far_server() -> Iterator[IO[bytes]]:
    """Run the server on port 25 and lend what it writes. Raises Unfit."""
    command = (sys.executable, "-m", "bench.outside", ADDRESS)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    try:
        wait_for((ADDRESS, 25), process)
        assert process.stdout is not None
        yield process.stdout
    finally:
        end(process)
        if process.stdout is not None:
            process.stdout.close()


@contextlib.contextmanager
def resolver(folder: Path) -> Iterator[None]:
    """Run a resolver that knows the far server's domain and nothing else. Raises Unfit."""
    settings = folder / "unbound.conf"
    values: dict[str, object] = {
        "DIR": folder,
        "PORT": RESOLVER.partition(":")[2],
        "DOMAIN": DOMAIN,
        "ADDRESS": ADDRESS,
    }
    settings.write_text(fill(_SETTINGS / "unbound.conf", values))
    process = spawn((tool("unbound"), "-d", "-c", str(settings)), folder)
    try:
        if process.poll() is not None:
            raise Unfit("unbound does not start")
        yield
    finally:
        end(process)


async def _serve(address: str) -> None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, 25))
    await asyncio.get_running_loop().create_server(Exchanger, sock=listener, backlog=1024)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(sys.argv[1]))
