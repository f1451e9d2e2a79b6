# SPDX-License-Identifier: Apache-2.0
"""Real routers that know of each other and of nobody else.

They run from the same code as `eepost i2p run`; only the settings of a private network are added.
Every router is started once, alone, until it has written its router.info; then each gets those of
the others. Debian's i2pd takes inbound links from public addresses only, hence 9.66.0.N: in the
network namespace these are addresses of its own loopback, and there is nothing else.
"""

import hashlib
import signal
import socket
import subprocess
import time
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from eepost.net.i2p.own import PrivateNetwork, Program, write_folder
from eepost.net.i2p.tunnels import Shape, Tunnel

NETID = 97
# Addresses in the namespace: at most so many routers.
COUNT = 6
PORT = 27_100
INFO_SECONDS = 20.0
END_SECONDS = 15.0
# Two routers without hops need 8 to 23 seconds; far from it something is broken.
BOOT_SECONDS = 120.0
# i2pd 2.45.1 can't read a LeaseSet2 from its own floodfill store.
OLD_LEASE_SETS = (("i2cp.leaseSetType", "1"), ("i2cp.leaseSetEncType", "0"))


# Tunnels without hops: quick, and as real as the long ones otherwise.
DIRECT = Shape(hops=0, quantity=2, extra=OLD_LEASE_SETS)


@dataclass
class Router:
    """One i2pd in a folder of its own."""

    number: int
    folder: Path
    program: Program
    tunnels: tuple[Tunnel, ...] = ()
    log_level: str = "error"
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """Its address in the private network."""
        return f"9.66.0.{self.number}"

    @property
    def network(self) -> PrivateNetwork:
        """Where it is in the private network."""
        return PrivateNetwork(NETID, self.address, PORT, log_level=self.log_level)

    def start(self) -> None:
        """Start it with the tunnels it has now."""
        write_folder(self.folder, self.network, self.tunnels)
        (self.folder / "certificates").mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            self.program.command(self.folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd=self.folder,
        )

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it; SIGKILL is the power cut."""
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    @property
    def info(self) -> Path:
        """Its router.info, once written."""
        return self.folder / "router.info"

    def memory_kilobytes(self) -> int:
        """Return what it holds in memory now."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line[:6] == "VmRSS:")


def introduce(routers: list[Router]) -> None:
    """Let every router know all the others; none is running before or after."""
    for router in routers:
        router.tunnels, kept = (), router.tunnels
        router.start()
        router.tunnels = kept
    limit = time.monotonic() + INFO_SECONDS
    while not all(router.info.exists() and router.info.stat().st_size for router in routers):
        assert time.monotonic() < limit, "a router wrote no router.info"
        time.sleep(0.02)
    for router in routers:
        router.end()
    for known in routers:
        info = known.info.read_bytes()
        for router in routers:
            if router is not known:
                file = router.folder / "netDb" / _netdb_name(info)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(info)


def _netdb_name(info: bytes) -> str:
    certificate = int.from_bytes(info[385:387], "big")
    digest = hashlib.sha256(info[: 387 + certificate]).digest()
    name = b64encode(digest, altchars=b"-~").decode()
    return f"r{name[0]}/routerInfo-{name}.dat"


def wait_for_greeting(port: int, seconds: float = BOOT_SECONDS) -> float:
    """Knock at a tunnel's port until the far side speaks; return the seconds it took."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 15) as stream:
            if stream.recv(512):
                return time.monotonic() - begun
        time.sleep(0.1)
    raise AssertionError(f"nobody spoke on port {port} within {seconds} s")
