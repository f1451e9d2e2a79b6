# SPDX-License-Identifier: Apache-2.0
"""What is measured: a post office that can be started on loopback, asked and ended."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from bench.dialogues import Login
from bench.load import Address, Dialogue

HOST = "127.0.0.1"
DOMAIN = "post.i2p"
_START_SECONDS = 60.0


class Unfit(Exception):  # noqa: N818 - the house's name for it
    """A post office cannot be started here; says why."""


class PostOffice(Protocol):
    """A server under measurement, with the accounts of the load."""

    @property
    def smtp(self) -> Address:
        """Where letters come in."""

    @property
    def pop3(self) -> Address:
        """Where letters are fetched."""

    @property
    def logins(self) -> Sequence[Login]:
        """The accounts."""

    @property
    def roots(self) -> Sequence[int]:
        """The processes whose trees are the server; none while it is stopped."""

    def start(self, prefix: Sequence[str] = ()) -> None:
        """Start the server, its command after `prefix`, and wait until it answers."""

    def stop(self) -> None:
        """End every process of the server."""

    def sending(self, sender: Login, recipient: bytes, letter: bytes) -> Dialogue:
        """Return the dialogue that brings a letter in at `smtp`."""

    def is_settled(self) -> bool:
        """Tell whether everything that was accepted lies in the maildrops."""


def logins(count: int) -> list[Login]:
    """Return the accounts of the load."""
    return [
        Login(b"user%03d@%b" % (number, DOMAIN.encode()), b"pass-Word-%06d" % number)
        for number in range(count)
    ]


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(address: Address, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody greets at the address. Raises Unfit."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(address, 1) as connection:
            connection.settimeout(5)
            if connection.recv(512):
                return
        if process.poll() is not None:
            raise Unfit(f"{process.args!r} ended with {process.returncode}")
        time.sleep(0.05)
    raise Unfit(f"nobody greets at port {address[1]}")


def tool(name: str) -> str:
    """Return the path of a program, also where daemons live. Raises Unfit."""
    found = shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin")
    if found is None:
        raise Unfit(f"{name} is not installed (make bench installs it, or see requirements/)")
    return found


def fill(template: Path, values: dict[str, object]) -> str:
    """Return a settings file with each @NAME@ replaced."""
    text = template.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def spawn(command: tuple[str, ...], folder: Path) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, so that none of its signals reaches us."""
    with (folder / "console.log").open("ab") as console:
        return subprocess.Popen(command, stdout=console, stderr=console, start_new_session=True)


@contextlib.contextmanager
def running(office: PostOffice, prefix: Sequence[str] = ()) -> Iterator[None]:
    """Start the office and end it whatever happens."""
    try:
        office.start(prefix)
        yield
    finally:
        office.stop()
