# SPDX-License-Identifier: Apache-2.0
"""A network namespace without any route, and sockets that live in it.

A socket belongs to the namespace it was made in, whoever uses it. So a small process stays inside
and hands sockets out; tests use them as if they were their own. Programs are run inside.
"""

import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType

# Runs inside: makes the network, then sends one stream socket for each octet it gets.
_INSIDE = """
import socket, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
for address in sys.argv[2:]:
    subprocess.run(["ip", "addr", "add", address + "/32", "dev", "lo"], check=True)
with socket.socket(fileno=int(sys.argv[1])) as line:
    line.send(b"!")
    while line.recv(1):
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        socket.send_fds(line, [b"s"], [made.fileno()])
        made.close()
"""
READY_SECONDS = 20.0


class NoNamespace(Exception):  # noqa: N818 - a reason to skip, not a fault
    """This machine does not let us make one; the text says why."""


@dataclass(eq=False)
class Namespace:
    """An empty network that ends with this object."""

    addresses: tuple[str, ...] = ()

    def __enter__(self) -> "Namespace":
        ours, theirs = socket.socketpair()
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        command = ["unshare", "--net", *user, sys.executable, "-c", _INSIDE, str(theirs.fileno())]
        self._holder = subprocess.Popen(
            [*command, *self.addresses],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        theirs.close()
        self._line = ours
        ready, _, _ = select.select([ours], [], [], READY_SECONDS)
        if not ready or ours.recv(1) != b"!":
            self._holder.kill()
            _, reason = self._holder.communicate()
            ours.close()
            raise NoNamespace(reason.decode(errors="replace").strip()[-200:])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._line.close()
        self._holder.wait(READY_SECONDS)
        assert self._holder.stderr is not None
        self._holder.stderr.close()

    @property
    def prefix(self) -> tuple[str, ...]:
        """What to put before a command so that it runs inside."""
        user = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
        return ("nsenter", "--target", str(self._holder.pid), "--net", *user, "--")

    def make_socket(self) -> socket.socket:
        """Return a new stream socket that lives inside."""
        self._line.send(b"s")
        _, descriptors, _, _ = socket.recv_fds(self._line, 1, 1)
        return socket.socket(fileno=descriptors[0])

    def connect(self, host: str, port: int, timeout: float = 60) -> socket.socket:
        """Return a socket that is connected inside."""
        made = self.make_socket()
        made.settimeout(timeout)
        try:
            made.connect((host, port))
        except OSError:
            made.close()
            raise
        return made

    def listen(self, host: str, port: int) -> socket.socket:
        """Return a socket that listens inside."""
        made = self.make_socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(128)
        return made

    def run(
        self, command: Iterable[str], timeout: float = 120, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program inside and return what came of it."""
        return subprocess.run(
            [*self.prefix, *command],
            input=stdin,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
