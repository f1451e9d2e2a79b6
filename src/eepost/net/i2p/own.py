# SPDX-License-Identifier: Apache-2.0
"""A router of our own: an installed i2pd as a child, with its own folder and only our tunnels.

It is watched and started again with a growing pause. Its console, proxies and bridges stay shut:
every port it opens on this machine is one that a tunnel of ours needs.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from eepost.net.i2p.tunnels import Tunnel, i2pd_text
from eepost.observe.journal import Journal

CONFIG_FILE = "i2pd.conf"
TUNNELS_FOLDER = "tunnels.d"
TUNNELS_FILE = "eepost.conf"
# i2pd writes its netDb at a stop; systemd's unit for it gives as long.
STOP_SECONDS = 30.0
RETRY_FIRST_SECONDS = 1.0
RETRY_LONGEST_SECONDS = 300.0
# A router that ran as long as this was not broken by its configuration: begin with short pauses.
SOUND_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class PublicNetwork:
    """The I2P network that everybody is in."""

    def lines(self) -> dict[str, dict[str, str]]:
        """Return what i2pd.conf needs beyond its defaults."""
        return {"": {"nat": "true"}, "reseed": {"verify": "true"}}


@dataclass(frozen=True, slots=True)
class PrivateNetwork:
    """A network of one's own without a word to the outside, for trials and tests.

    Routers find each other by what is put into their netDb folders before they start.
    """

    netid: int
    address: str
    port: int
    log_level: str = "error"
    is_floodfill: bool = True

    def lines(self) -> dict[str, dict[str, str]]:
        """Return what keeps i2pd from asking anybody outside."""
        nobody = "http://none.i2p/hosts.txt"  # must be there (i2pd < 2.55), must lead nowhere
        return {
            "": {
                "netid": str(self.netid),
                "host": self.address,
                "address4": self.address,
                "port": str(self.port),
                "nat": "false",
                "reservedrange": "false",
                "bandwidth": "X",
                "floodfill": "true" if self.is_floodfill else "false",
                "loglevel": self.log_level,
            },
            "ntcp2": {"enabled": "true", "published": "true"},
            "ssu2": {"enabled": "false", "published": "false"},
            "reseed": {"threshold": "0", "urls": "", "yggurls": ""},
            "nettime": {"enabled": "false", "frompeers": "false"},
            "addressbook": {"enabled": "true", "defaulturl": nobody, "subscriptions": nobody},
            "exploratory": {
                "inbound.length": "1",
                "outbound.length": "1",
                "inbound.quantity": "2",
                "outbound.quantity": "2",
            },
            "persist": {"profiles": "false"},
        }


Network = PublicNetwork | PrivateNetwork

_SHUT = ("http", "httpproxy", "socksproxy", "sam", "bob", "i2cp", "i2pcontrol", "upnp")


def config_text(folder: Path, network: Network) -> str:
    """Return an i2pd.conf for a router that lives in `folder` and serves nobody but us."""
    sections: dict[str, dict[str, str]] = {
        "": {
            "log": "file",
            "logfile": str(folder / "i2pd.log"),
            # Its warnings name destinations, and logs here never do.
            "loglevel": "error",
            "ipv4": "true",
            "ipv6": "false",
        }
    }
    sections |= {name: {"enabled": "false"} for name in _SHUT}
    for name, options in network.lines().items():
        sections[name] = sections.get(name, {}) | options
    return "\n".join(_section(name, options) for name, options in sections.items())


def _section(name: str, options: dict[str, str]) -> str:
    head = [f"[{name}]"] if name else []
    return "\n".join([*head, *(f"{key} = {value}" for key, value in options.items()), ""])


def write_folder(folder: Path, network: Network, tunnels: tuple[Tunnel, ...]) -> None:
    """Make or renew a router's folder; keys and what the router has learnt stay as they are."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / TUNNELS_FOLDER).mkdir(mode=0o700, exist_ok=True)
    (folder / CONFIG_FILE).write_text(config_text(folder, network), "utf-8")
    (folder / TUNNELS_FOLDER / TUNNELS_FILE).write_text(i2pd_text(tunnels), "utf-8")


@dataclass(frozen=True, slots=True)
class Program:
    """An i2pd on this machine and what to put before it, for instance to enter a namespace."""

    binary: Path
    certificates: Path | None = None
    prefix: tuple[str, ...] = ()

    def command(self, folder: Path) -> tuple[str, ...]:
        """Return the command line of a router that lives in `folder`."""
        certificates = self.certificates or folder / "certificates"
        return (
            *self.prefix,
            str(self.binary),
            f"--datadir={folder}",
            f"--conf={folder / CONFIG_FILE}",
            f"--tunconf={folder / 'tunnels.conf'}",
            f"--tunnelsdir={folder / TUNNELS_FOLDER}",
            f"--certsdir={certificates}",
            f"--pidfile={folder / 'i2pd.pid'}",
        )


@dataclass(slots=True)
class OwnRouter:
    """Keeps one router running until it is stopped."""

    program: Program
    folder: Path
    journal: Journal
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    starts: int = 0
    _process: asyncio.subprocess.Process | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int | None:
        """The running router's process id."""
        return self._process.pid if self._process else None

    async def run(self) -> None:
        """Start the router, and again whenever it ends, until `stop`. Raises OSError at first.

        Only the first start may fail: a binary that vanishes later is waited for.
        """
        pause = RETRY_FIRST_SECONDS
        while not self._stopping.is_set():
            begun = self.clock()
            try:
                code = await self._once()
            except OSError:
                if not self.starts:
                    raise
                code = -1
            if self._stopping.is_set():
                return
            lasted = self.clock() - begun
            pause = RETRY_FIRST_SECONDS if lasted >= SOUND_SECONDS else pause
            self.journal.event(
                "router_ended", code=code, seconds=round(lasted), retry_seconds=round(pause)
            )
            await self._wait(pause)
            pause = min(pause * 2, RETRY_LONGEST_SECONDS)

    async def _once(self) -> int:
        self._process = await asyncio.create_subprocess_exec(
            *self.program.command(self.folder),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self.folder,
            umask=0o077,
            start_new_session=True,  # Ctrl-C reaches us, and we stop it in order
        )
        self.starts += 1
        self.journal.event("router_started", starts=self.starts)
        try:
            return await self._process.wait()
        finally:
            await self._end()

    async def _wait(self, seconds: float) -> None:
        stopped = asyncio.ensure_future(self._stopping.wait())
        slept = asyncio.ensure_future(self.sleep(seconds))
        await asyncio.wait((stopped, slept), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        slept.cancel()

    def stop(self) -> None:
        """Tell the router to end; `run` returns when it has."""
        self._stopping.set()
        self._signal(signal.SIGTERM)
        asyncio.get_running_loop().call_later(STOP_SECONDS, self._signal, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def _end(self) -> None:
        """Leave no router behind when `run` is cancelled."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
