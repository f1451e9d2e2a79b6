# SPDX-License-Identifier: Apache-2.0
"""The doctor's eye, with a SOCKS5 server in I2P's place. Deadlines are tenths of seconds."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from eepost.net.connect import Patience
from eepost.net.findings import Finding, State
from eepost.net.i2p.checks import (
    Stranger,
    file_is_current,
    is_confined,
    keys_are_private,
    peers_are_told_apart,
    proxy_answers,
    service_is_reached,
    strangers_are_refused,
    strangers_do_not_find,
)
from eepost.net.i2p.keys import make_keys, write_keys
from eepost.net.listeners import Endpoint

B32 = "a" * 52 + ".b32.i2p"
QUICK = Patience(connect_seconds=2, first_octet_seconds=0.2)
HEADER = b"X-I2P-DestB32: " + b"a" * 52 + b".b32.i2p\r\n"


@dataclass
class Network:
    """What stands behind the SOCKS5 port: for each port in I2P, what becomes of a stream."""

    doors: dict[int, Endpoint | None] = field(default_factory=dict)  # None: accepted, then silent
    source: str = "127.0.0.1"  # whose address the local end sees
    header: bytes = b""  # what an http tunnel adds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            count = (await reader.readexactly(2))[1]
            await reader.readexactly(count)
            writer.write(b"\x05\x00")
            length = (await reader.readexactly(5))[4]
            await reader.readexactly(length)
            port = int.from_bytes(await reader.readexactly(2), "big")
            found = port in self.doors
            writer.write(b"\x05" + (b"\x00" if found else b"\x04") + b"\x00\x01" + bytes(6))
            door = self.doors.get(port)
            if door is not None:
                await self._join(door, reader, writer)
            elif found:
                await reader.read()
        except (asyncio.IncompleteReadError, OSError):
            return

    async def _join(
        self, door: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        far, far_writer = await asyncio.open_connection(
            door.host, door.port, local_addr=(self.source, 0)
        )

        async def up() -> None:
            while octets := await reader.read(4096):
                far_writer.write(octets.replace(b"\r\n\r\n", b"\r\n" + self.header + b"\r\n"))

        rising = asyncio.create_task(up())
        try:
            while octets := await far.read(4096):
                writer.write(octets)
        finally:
            rising.cancel()
            far_writer.transport.abort()


@asynccontextmanager
async def served(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
) -> AsyncIterator[Endpoint]:
    tasks: set[asyncio.Task[Any]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await answer(reader, writer)
        except asyncio.CancelledError:
            pass  # the end of the test
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        yield Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await server.wait_closed()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def greeting(octets: bytes) -> Callable[..., Coroutine[Any, Any, None]]:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(octets)
        await reader.read()

    return greet


def free_port() -> Endpoint:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return Endpoint("127.0.0.1", listener.getsockname()[1])


Look = Callable[[Stranger], Coroutine[Any, Any, Finding | list[Finding]]]


def look(network: Network, ask: Look) -> list[Finding]:
    """Return the findings of `ask` when `network` is behind the SOCKS5 port."""

    async def scenario() -> list[Finding]:
        async with served(network.serve) as socks:
            found = await ask(Stranger(socks, QUICK))
            return found if isinstance(found, list) else [found]

    return asyncio.run(scenario())


def reach_smtp(network: Network, greets: bytes = b"220 here\r\n") -> Finding:
    async def ask(stranger: Stranger) -> Finding:
        async with served(greeting(b"220 here\r\n")) as local, served(greeting(greets)) as door:
            if network.doors.get(25) == Endpoint("127.0.0.1", 0):
                network.doors[25] = door
            [finding] = await service_is_reached("SMTP", stranger, B32, 25, local)
            return finding

    return look(network, ask)[0]


DOOR = Endpoint("127.0.0.1", 0)  # stands for the service's own door


def test_service_that_answers_a_stranger_as_it_answers_here_is_fine() -> None:
    assert reach_smtp(Network({25: DOOR})).state is State.FINE


def test_destination_that_nobody_finds_is_told_apart_from_a_tunnel_to_nowhere() -> None:
    lost, dumb = reach_smtp(Network({})), reach_smtp(Network({25: None}))
    assert lost.state is dumb.state is State.WRONG
    assert "LeaseSet" in lost.text
    assert "nothing answers through the tunnel" in dumb.text
    assert lost.mend
    assert dumb.mend


def test_somebody_else_under_our_destination_is_noticed() -> None:
    finding = reach_smtp(Network({25: DOOR}), greets=b"220 another\r\n")
    assert finding.state is State.WRONG
    assert "something else" in finding.text


def test_service_that_is_down_is_said_before_i2p_is_asked() -> None:
    network = Network({})

    async def ask(stranger: Stranger) -> list[Finding]:
        return await service_is_reached("SMTP", stranger, B32, 25, free_port())

    [finding] = look(network, ask)
    assert "eepost serve" in finding.mend


def test_socks_port_is_open_or_not() -> None:
    async def ask(stranger: Stranger) -> list[Finding]:
        shut = Stranger(free_port(), QUICK)
        return [await proxy_answers("x", stranger), await proxy_answers("x", shut)]

    assert [finding.state for finding in look(Network(), ask)] == [State.FINE, State.WRONG]


@pytest.mark.parametrize("is_open", [False, True])
def test_stranger_at_the_link_is_refused_or_noticed(is_open: bool) -> None:
    local = free_port()
    network = Network({7662: local if is_open else None})

    async def ask(stranger: Stranger) -> Finding:
        return await strangers_are_refused("link", stranger, B32, 7662, local)

    [finding] = look(network, ask)
    assert finding.state is (State.WRONG if is_open else State.FINE)


def test_link_that_nobody_finds_was_not_seen_to_refuse() -> None:
    async def ask(stranger: Stranger) -> Finding:
        return await strangers_are_refused("link", stranger, B32, 7662, free_port())

    assert look(Network({}), ask)[0].state is State.WRONG


@pytest.mark.parametrize(
    ("source", "header", "states"),
    [
        ("127.0.0.2", b"", [State.FINE, State.WRONG]),
        ("127.0.0.1", HEADER, [State.WRONG, State.FINE]),
        ("127.0.0.1", HEADER + HEADER, [State.WRONG, State.WRONG]),
        # aaaa... stands for zeros: 127.0.0.0 can't be bound, so no source agrees with it.
        ("127.0.0.2", HEADER, [State.FINE, State.WRONG]),
    ],
)
def test_peers_are_told_apart_by_address_and_by_header(
    source: str, header: bytes, states: list[State]
) -> None:
    local = free_port()
    network = Network({80: local}, source, header)

    async def ask(stranger: Stranger) -> list[Finding]:
        return await peers_are_told_apart("peers", stranger, B32, 80, local)

    assert [finding.state for finding in look(network, ask)] == states


def test_port_in_use_leaves_the_mapping_unchecked() -> None:
    async def ask(stranger: Stranger) -> list[Finding]:
        async with served(greeting(b"")) as local:
            return await peers_are_told_apart("peers", stranger, B32, 80, local)

    assert [finding.state for finding in look(Network(), ask)] == [State.UNCHECKED]


@pytest.mark.parametrize("doors", [{}, {80: None}])
def test_portal_that_is_not_reached_is_said(doors: dict[int, Endpoint | None]) -> None:
    async def ask(stranger: Stranger) -> list[Finding]:
        return await peers_are_told_apart("peers", stranger, B32, 80, free_port())

    assert [finding.state for finding in look(Network(doors), ask)] == [State.WRONG]


def test_keys_file_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "a.dat"
    assert keys_are_private("k", file).state is State.WRONG
    write_keys(file, made := make_keys(lambda n: bytes(range(n))))
    assert keys_are_private("k", file).text == made.b32
    file.chmod(0o644)
    assert "chmod 600" in keys_are_private("k", file).mend


def test_tunnels_file_is_compared_with_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "eepost.conf"
    assert "missing" in file_is_current("t", file, "x").text
    file.write_text("x")
    assert file_is_current("t", file, "x").state is State.FINE
    assert "differs" in file_is_current("t", file, "y").text
    file.chmod(0o666)
    assert "anybody" in file_is_current("t", file, "x").text


@pytest.mark.parametrize(
    ("doors", "state"),
    [({}, State.FINE), ({7662: None}, State.WRONG)],
    ids=["not found", "found and silent"],
)
def test_hidden_link_must_not_be_found(doors: dict[int, Endpoint | None], state: State) -> None:
    async def ask(stranger: Stranger) -> list[Finding]:
        return [await strangers_do_not_find("link", stranger, "b" * 56 + ".b32.i2p", 7662)]

    assert [finding.state for finding in look(Network(doors), ask)] == [state]


def test_hidden_link_that_answers_a_stranger_is_wrong() -> None:
    async def ask(stranger: Stranger) -> list[Finding]:
        return [await strangers_do_not_find("link", stranger, "b" * 56 + ".b32.i2p", 7662)]

    async def open_door(stranger: Stranger) -> list[Finding]:
        async with served(greeting(b"hello\r\n")) as local:
            network.doors[7662] = local
            return await ask(stranger)

    network = Network()
    assert [finding.state for finding in look(network, open_door)] == [State.WRONG]


def confine(root: Path, loaded: str, local: str) -> None:
    """Make a machine with AppArmor switched on and Debian's profile for i2pd on disk."""
    for name, text in (
        ("sys/module/apparmor/parameters/enabled", "Y\n"),
        ("sys/kernel/security/apparmor/profiles", loaded),
        ("etc/apparmor.d/usr.sbin.i2pd", "profile i2pd {}\n"),
        ("etc/apparmor.d/local/usr.sbin.i2pd", local),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize(
    ("loaded", "local", "state"),
    [
        ("i2pd (enforce)\n", "", State.WRONG),
        ("/usr/sbin/i2pd (enforce)\n", "", State.WRONG),
        ("i2pd (enforce)\n", "owner /srv/post/i2p/router/** rwk,\n", State.FINE),
        ("i2pd-other (enforce)\n", "", State.FINE),
        ("", "", State.FINE),
    ],
)
def test_router_that_apparmor_keeps_from_its_folder_is_found(
    tmp_path: Path, loaded: str, local: str, state: State
) -> None:
    confine(tmp_path, loaded, local)
    finding = is_confined("confinement", Path("/srv/post/i2p/router"), tmp_path)
    assert finding.state is state
    assert ("/srv/post/i2p/router/** rwk" in finding.mend) is (state is State.WRONG)


def test_machine_without_apparmor_confines_nothing(tmp_path: Path) -> None:
    assert is_confined("confinement", Path("/srv"), tmp_path).state is State.FINE
    confine(tmp_path, "i2pd (enforce)\n", "")
    (tmp_path / "sys/module/apparmor/parameters/enabled").write_text("N\n")
    assert is_confined("confinement", Path("/srv"), tmp_path).state is State.FINE


def test_profiles_that_can_not_be_read_are_not_guessed(tmp_path: Path) -> None:
    confine(tmp_path, "", "")
    (tmp_path / "sys/kernel/security/apparmor/profiles").unlink()
    assert is_confined("confinement", Path("/srv"), tmp_path).state is State.UNCHECKED
