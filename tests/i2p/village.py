# SPDX-License-Identifier: Apache-2.0
"""Who lives in the private network: the post office's router, run as an operator runs it by
`eepost i2p setup` and `run`, and a second router for everybody else."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from eepost.app.gateway_config import open_gateway
from eepost.app.i2p import LINK_KEYS, LINK_PORT, MAIL_KEYS, Reach, open_reach
from eepost.app.office import open_office
from eepost.net.i2p.found import find_binary, find_routers
from eepost.net.i2p.keys import Keys, make_keys, write_keys
from eepost.net.i2p.own import Program
from eepost.net.i2p.tunnels import ClientTunnel, ServerTunnel, Shape, SocksTunnel, Tunnel
from eepost.net.listeners import Endpoint
from tests.i2p.network import DIRECT, NETID, OLD_LEASE_SETS, PORT, Router, introduce
from tests.internet.gateway import Gateway

EEPOST: Final = (sys.executable, "-m", "eepost")
SMTP: Final = 7659
POP3: Final = 7660
# Sessions at once that one destination may have in these tests.
PER_PEER: Final = 60


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody with a destination of his own, and the ports by which he reaches the office."""

    name: str
    first_port: int
    keys: str = ""

    @property
    def smtp(self) -> int:
        """His tunnel to SMTP."""
        return self.first_port

    @property
    def pop3(self) -> int:
        """His tunnel to POP3."""
        return self.first_port + 1

    @property
    def portal(self) -> int:
        """His tunnel to the portal."""
        return self.first_port + 2

    @property
    def link(self) -> int:
        """His tunnel to the gateway link."""
        return self.first_port + 3

    @property
    def socks(self) -> int:
        """His SOCKS5 port."""
        return self.first_port + 4

    @property
    def keys_file(self) -> str:
        """His destination, or `transient...` for another one at each start of the router."""
        return self.keys or f"{self.name}.dat"


ALICE: Final = Resident("alice", 17_100, keys="transient-alice")  # as users are advised
MALLORY: Final = Resident("mallory", 17_200)
GATEWAY: Final = Resident("gateway", 17_300)
GATEWAY_LINK: Final = 17_390  # where the gateway listens for the core
RESIDENTS: Final = (ALICE, MALLORY, GATEWAY)


@dataclass
class Village:
    """Both routers, running."""

    reach: Reach
    users: Router
    operator: "subprocess.Popen[bytes]"  # eepost i2p run
    keys: dict[str, Keys]
    gateway: Gateway  # paired; not running
    invitation: Path
    boot_seconds: float = 0.0
    silent: socket.socket = field(init=False)
    silent_since: float = 0.0

    @property
    def office_router_pid(self) -> int | None:
        """The process of the post office's router, None while there is none."""
        folder = self.reach.keys_folder
        found = find_routers(Path("/"), Path("/nowhere"))
        return next((one.pid for one in found if one.folder == folder), None)


def eepost(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run the command line as an operator does."""
    return subprocess.run(
        [*EEPOST, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@contextmanager
def build(office: Path, folder: Path, shape: Shape = DIRECT, others: int = 0) -> Iterator[Village]:
    """Set the post office up for I2P, and make the users' router with all their tunnels.

    `others` are routers that carry tunnels of more hops than none.
    """
    options = [f"--tunnel-option={key}={value}" for key, value in OLD_LEASE_SETS]
    length = (f"--hops={shape.hops}", f"--quantity={shape.quantity}")
    own = ("--router", "own", *length, *options)
    done = eepost("i2p", "setup", "--data", office, *own)
    assert done.returncode == 0, done.stderr
    keys = {who.name: make_keys(os.urandom) for who in RESIDENTS if not who.keys}
    gateway = _gateway(folder)
    keys["gateway"] = open_gateway(gateway.directory).link_keys()
    invitation = folder / "invitation"
    where = ("--data", office, "--out", invitation)
    done = eepost("gateway", "add", gateway.name, gateway.address, *where)
    assert done.returncode == 0, done.stderr
    done = eepost("gateway", "pair", invitation, "--data", gateway.directory)
    assert done.returncode == 0, done.stderr

    reach = open_reach(open_office(office))
    binary = find_binary(Path("/"))
    assert binary is not None
    program = Program(binary)
    users = Router(2, folder / "users", program, _tunnels(reach, shape))
    users.folder.mkdir(mode=0o700)
    for name, made in keys.items():
        write_keys(users.folder / f"{name}.dat", made)
    carriers = [Router(3 + n, folder / f"carrier-{n}", program) for n in range(others)]
    introduce([Router(1, reach.keys_folder, program), users, *carriers])
    command = ["i2p", "run", "--data", str(office), "--private", f"{NETID}@9.66.0.1:{PORT}"]
    with (folder / "operator.log").open("wb") as log:
        operator = subprocess.Popen(
            [*EEPOST, *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log
        )
    for router in (users, *carriers):
        router.start()
    try:
        yield Village(reach, users, operator, keys, gateway, invitation)
    finally:
        gateway.kill()
        for router in (users, *carriers):
            router.end()
        operator.terminate()
        operator.wait(40)


def _gateway(folder: Path) -> Gateway:
    """Make a gateway that is reached, and reaches the core, by the users' router."""
    settings: dict[str, dict[str, Any]] = {
        "link": {
            "listen": f"127.0.0.1:{GATEWAY_LINK}",
            "core": f"port 127.0.0.1:{GATEWAY.link}",
            "retry_seconds": 1.0,
        },
        "log": {"counts_seconds": 1},
    }
    return Gateway(folder / "gateway-office", settings).create()


def _tunnels(reach: Reach, shape: Shape) -> tuple[Tunnel, ...]:
    mail, link = reach.keys(MAIL_KEYS).b32, reach.keys(LINK_KEYS).b32
    core = (link.removesuffix(".b32.i2p"),)
    listen = Endpoint("127.0.0.1", GATEWAY_LINK)
    # A destination's first tunnel says how it is made.
    tunnels: list[Tunnel] = [
        ServerTunnel(
            "gateway-in", listen, LINK_PORT, GATEWAY.keys_file, only_from=core, shape=shape
        )
    ]
    for who in RESIDENTS:
        for kind, port, destination, inport in (
            ("smtp", who.smtp, mail, 25),
            ("pop3", who.pop3, mail, 110),
            ("portal", who.portal, mail, 80),
            ("link", who.link, link, LINK_PORT),
        ):
            listen = Endpoint("127.0.0.1", port)
            name = f"{who.name}-{kind}"
            tunnels.append(ClientTunnel(name, listen, destination, inport, who.keys_file, shape))
        socks = Endpoint("127.0.0.1", who.socks)
        tunnels.append(SocksTunnel(f"{who.name}-socks", socks, who.keys_file, shape))
    return tuple(tunnels)
