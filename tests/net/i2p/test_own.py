# SPDX-License-Identifier: Apache-2.0
"""The own router's life, with a shell script in the router's place."""

import asyncio
import configparser
import io
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from eepost.net.i2p.own import (
    OwnRouter,
    PrivateNetwork,
    Program,
    PublicNetwork,
    config_text,
    write_folder,
)
from eepost.observe.journal import Journal

PRIVATE = PrivateNetwork(97, "9.66.0.1", 27_100)


def parsed(network: PublicNetwork | PrivateNetwork) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read_string("[top]\n" + config_text(Path("/r"), network))
    return parser


def test_router_serves_nobody_but_us() -> None:
    config = parsed(PublicNetwork())
    shut = ("http", "httpproxy", "socksproxy", "sam", "bob", "i2cp", "i2pcontrol", "upnp")
    assert {name: config[name]["enabled"] for name in shut} == dict.fromkeys(shut, "false")
    assert config["top"]["loglevel"] == "error"
    assert config["reseed"]["verify"] == "true"


def test_private_network_never_asks_anybody_outside() -> None:
    config = parsed(PRIVATE)
    assert config["top"]["netid"] == "97"
    assert (config["reseed"]["threshold"], config["reseed"]["urls"]) == ("0", "")
    assert config["nettime"]["enabled"] == config["nettime"]["frompeers"] == "false"
    assert config["upnp"]["enabled"] == config["ssu2"]["enabled"] == "false"
    assert config["addressbook"]["subscriptions"].startswith("http://none.i2p/")


def test_folder_is_the_owners_alone_and_keeps_what_the_router_learnt(tmp_path: Path) -> None:
    folder = tmp_path / "router"
    for _ in range(2):
        write_folder(folder, PRIVATE, ())
        (folder / "netDb").mkdir(exist_ok=True)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "netDb").is_dir()
    assert (folder / "tunnels.d/eepost.conf").exists()


def test_command_names_every_folder() -> None:
    command = Program(Path("/usr/sbin/i2pd"), Path("/certs"), ("setpriv", "--")).command(Path("/r"))
    assert command[:3] == ("setpriv", "--", "/usr/sbin/i2pd")
    assert {"--datadir=/r", "--certsdir=/certs", "--tunnelsdir=/r/tunnels.d"} <= set(command)
    assert "--certsdir=/r/certificates" in Program(Path("/i2pd")).command(Path("/r"))


@dataclass
class Watched:
    """An own router whose program is a script, with a clock of its own and no real pauses."""

    folder: Path
    script: str
    log: io.StringIO = field(default_factory=io.StringIO)
    now: float = 0.0
    pauses: list[float] = field(default_factory=list)
    lasts_seconds: float = 1.0
    stop_after: int = 0

    def __post_init__(self) -> None:
        program = self.folder / "i2pd"
        program.write_text(f"#!/bin/sh\n{self.script}\n")
        program.chmod(0o755)
        journal = Journal(self.log)
        self.router = OwnRouter(Program(program), self.folder, journal, self.clock, self.sleep)

    def clock(self) -> float:
        self.now += self.lasts_seconds
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) == self.stop_after:
            self.router.stop()

    @property
    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.log.getvalue().splitlines()]


async def pid_of(router: OwnRouter) -> int:
    for _ in range(2_000):
        if router.pid is not None:
            return router.pid
        await asyncio.sleep(0.005)
    raise AssertionError("the router was not started")


def test_router_that_ends_is_started_again_after_pauses_that_double(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "exit 3", stop_after=5)
    asyncio.run(asyncio.wait_for(watched.router.run(), 20))
    assert watched.pauses == [1, 2, 4, 8, 16]
    assert watched.router.starts == 5
    assert watched.events == ["router_started", "router_ended"] * 5
    assert '"code": 3' in watched.log.getvalue()


def test_pause_is_bounded_and_short_again_after_a_sound_run(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "exit 0", stop_after=12)
    asyncio.run(asyncio.wait_for(watched.router.run(), 20))
    assert watched.pauses[-3:] == [300, 300, 300]
    sound = Watched(tmp_path, "exit 0", lasts_seconds=601.0, stop_after=3)
    asyncio.run(asyncio.wait_for(sound.router.run(), 20))
    assert sound.pauses == [1, 1, 1]


def test_stop_ends_the_router_and_no_other_is_started(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "exec sleep 60")

    async def scenario() -> None:
        running = asyncio.create_task(watched.router.run())
        await pid_of(watched.router)
        watched.router.stop()
        await asyncio.wait_for(running, 10)

    asyncio.run(scenario())
    assert watched.router.pid is None
    assert (watched.router.starts, watched.pauses) == (1, [])


def test_cancelling_leaves_no_router_behind(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "exec sleep 60")

    async def scenario() -> int:
        running = asyncio.create_task(watched.router.run())
        pid = await pid_of(watched.router)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return pid

    assert not Path(f"/proc/{asyncio.run(scenario())}").exists()


def test_missing_program_is_said_at_once(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "exit 0")
    (tmp_path / "i2pd").unlink()
    with pytest.raises(FileNotFoundError):
        asyncio.run(watched.router.run())


def test_program_that_vanishes_later_is_waited_for(tmp_path: Path) -> None:
    watched = Watched(tmp_path, 'rm -f "$0"', stop_after=3)
    asyncio.run(asyncio.wait_for(watched.router.run(), 20))
    assert watched.router.starts == 1
    assert watched.pauses == [1, 2, 4]
