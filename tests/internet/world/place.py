# SPDX-License-Identifier: Apache-2.0
"""Where everything is: addresses of the namespace's loopback that look like the Internet's.

They have to: a gateway refuses to dial private and documentation addresses. Nothing can leave the
namespace, so nobody's real host is ever touched.
"""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.interop.isolation import HAS_OWN_NETWORK, loopback_only

RESOLVER = "127.0.0.1"  # unbound, port 53
AUTHORITY = "9.66.9.53"  # knot
GATEWAY = "9.66.2.1"  # mx.example.org
SECOND_GATEWAY = "9.66.2.2"  # mx2.example.org
POLICIES = "9.66.3.1"  # HTTPS for MTA-STS
HOSTS = 40  # mail servers have 9.66.1.1 to 9.66.1.HOSTS
START_SECONDS = 20.0
END_SECONDS = 15.0


def host(number: int) -> str:
    """Return the address of a mail server."""
    assert 0 < number <= HOSTS
    return f"9.66.1.{number}"


def why_not() -> str:
    """Say what this machine lacks to have an Internet, empty if nothing."""
    if not HAS_OWN_NETWORK:
        return "needs root: Postfix drops its rights to users that only root can become"
    lacking = [name for name in ("knotd", "unbound", "postfix") if program(name) is None]
    return f"scripts/debian-packages tests installs {lacking}" if lacking else ""


def program(name: str) -> str | None:
    """Return where a program is, also where only root would look."""
    return shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")


@contextmanager
def internet() -> Iterator[None]:
    """Put this thread, and what it starts, where only these addresses are."""
    with loopback_only():
        add_addresses()
        yield


def add_addresses() -> None:
    """Give the namespace's loopback all addresses."""
    addresses = [AUTHORITY, GATEWAY, SECOND_GATEWAY, POLICIES]
    for address in (*addresses, *map(host, range(1, HOSTS + 1))):
        command = ["ip", "addr", "replace", f"{address}/32", "dev", "lo"]
        subprocess.run(command, check=True, timeout=10)


def with_resolver(folder: Path, *, users: str = "", groups: str = "") -> tuple[str, ...]:
    """Return what begins a command that has to find `RESOLVER` in /etc/resolv.conf.

    `users` and `groups` are further lines that it finds in /etc/passwd and /etc/group.
    """
    texts = {"resolv.conf": f"nameserver {RESOLVER}\noptions edns0 trust-ad\n"}
    for name, more in (("passwd", users), ("group", groups)):
        if more:
            texts[name] = Path("/etc", name).read_text() + more
    for name, text in texts.items():
        (folder / name).write_text(text)
    mounts = " && ".join(f"mount --bind {folder / name} /etc/{name}" for name in texts)
    return ("unshare", "--mount", "sh", "-c", f'{mounts} && exec "$0" "$@"')


class Daemon:
    """A program in the foreground that is ended with the test."""

    def __init__(self, command: Sequence[str], folder: Path, log: str = "log") -> None:
        self.log = folder / log
        with self.log.open("ab") as log_file:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                start_new_session=True,
                cwd=folder,
            )

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wait_for(self, address: str, port: int) -> None:
        """Wait until it listens."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            with suppress(OSError), socket.create_connection((address, port), 1):
                return
            time.sleep(0.05)
        logs = [self.log, *self.log.parent.glob("maillog")]
        said = "\n".join(file.read_text(errors="replace")[-2_000:] for file in logs)
        raise AssertionError(f"does not serve, ended with {self.process.poll()}: {said}")
