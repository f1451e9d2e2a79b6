# SPDX-License-Identifier: Apache-2.0
"""The connector against small services on loopback; deadlines here are hundredths of seconds."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from eepost.net.connect import (
    Connector,
    Isolation,
    LocalPort,
    Patience,
    Route,
    Socks5,
    Unreachable,
    isolation,
)
from eepost.net.listeners import Endpoint

QUICK = Patience(
    connect_seconds=2, first_octet_seconds=0.05, retry_first_seconds=8, retry_longest_seconds=60
)
UNHURRIED = replace(QUICK, first_octet_seconds=10)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Clock:
    """Time that passes only when told."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def service(serve: Serve) -> AsyncIterator[Endpoint]:
    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        yield Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await server.wait_closed()


async def closed_port() -> Endpoint:
    async with service(greet) as endpoint:
        return endpoint


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 hello\r\n")
    await writer.drain()
    await reader.read()


async def stay_silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hang_up(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    return


def connector(
    *ways: LocalPort | Socks5, patience: Patience = UNHURRIED, clock: Clock | None = None
) -> Connector:
    routes = [Route(f"peer-{i}", way) for i, way in enumerate(ways)]
    return Connector(routes, patience, clock or Clock(), lambda: 0.999_999)


@dataclass
class Socks:
    """A SOCKS5 server that keeps what it was asked (RFC 1928, RFC 1929)."""

    reply: bytes = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x19"
    takes_passwords: bool = True
    then: Serve = greet
    names: list[tuple[bytes, int]] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(2)
        methods = await reader.readexactly(head[1])
        assert 2 in methods
        writer.write(b"\x05\x02" if self.takes_passwords else b"\x05\x00")
        if self.takes_passwords:
            parts = []
            await reader.readexactly(1)
            for _ in "name", "password":
                length = (await reader.readexactly(1))[0]
                parts.append(await reader.readexactly(length))
            self.logins.append(b":".join(parts))
            writer.write(b"\x01\x00")
        kind = (await reader.readexactly(4))[3]
        assert kind == 3, "a name must be looked up by the router, never here"
        length = (await reader.readexactly(1))[0]
        name = await reader.readexactly(length)
        self.names.append((name, int.from_bytes(await reader.readexactly(2), "big")))
        for octet in self.reply:  # split at every octet
            writer.write(bytes([octet]))
            await asyncio.sleep(0)
        if self.reply[1] == 0:
            await self.then(reader, writer)


IDENTITY = Isolation("name", "word")


def test_stream_through_a_local_port_brings_the_greeting_and_carries_octets() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        writer.write(await reader.readexactly(4))
        await reader.read()

    async def scenario() -> None:
        async with service(echo) as endpoint:
            under_test = connector(LocalPort(endpoint))
            connection = await under_test.greeted()
            assert connection.peer == "peer-0"
            assert await connection.reader.readline() == b"220 hello\r\n"
            connection.writer.write(b"ping")
            assert await connection.reader.readexactly(4) == b"ping"
            await connection.close()
        counts = under_test.counts
        assert (counts.attempts, counts.connected, counts.heard) == (1, 1, 1)
        assert (counts.octets_in, counts.octets_out) == (15, 4)

    asyncio.run(scenario())


def test_silent_peer_is_given_up_at_the_deadline_and_the_next_one_is_reached() -> None:
    async def scenario() -> None:
        async with service(stay_silent) as silent, service(greet) as good:
            under_test = connector(LocalPort(silent), LocalPort(good), patience=QUICK)
            connection = await under_test.greeted()
            assert connection.peer == "peer-1"
            assert under_test.counts.silent == 1
            await connection.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("far_side", [hang_up, stay_silent])
def test_port_that_accepts_for_nobody_is_no_peer(far_side: Serve) -> None:
    async def scenario() -> None:
        async with service(far_side) as endpoint:
            with pytest.raises(Unreachable):
                await connector(LocalPort(endpoint), patience=QUICK).greeted()

    asyncio.run(scenario())


def test_first_octet_can_be_awaited_where_we_speak_first() -> None:
    async def scenario() -> None:
        async with service(stay_silent) as endpoint:
            connection = await connector(LocalPort(endpoint)).opened()
            assert not await connection.first_octet(0.02)
            await connection.close()
            assert not await connection.first_octet(5)  # closed: known at once
        async with service(greet) as endpoint:
            connection = await connector(LocalPort(endpoint)).opened()
            assert await connection.first_octet(5)
            assert await connection.first_octet(5)
            await connection.close()

    asyncio.run(scenario())


def test_refused_port_is_left_alone_for_a_pause_that_doubles_up_to_the_longest() -> None:
    async def scenario() -> None:
        clock = Clock()
        under_test = connector(LocalPort(await closed_port()), clock=clock)
        pauses = []
        for _ in range(6):
            with pytest.raises(Unreachable) as first:
                await under_test.greeted()
            pauses.append(round(first.value.retry_seconds))
            attempts = under_test.counts.attempts
            clock.now += first.value.retry_seconds - 0.1
            with pytest.raises(Unreachable):
                await under_test.greeted()
            assert under_test.counts.attempts == attempts
            clock.now += 0.2
        assert pauses == [8, 16, 32, 60, 60, 60]

    asyncio.run(scenario())


def test_only_a_peer_that_served_starts_again_with_the_short_pause() -> None:
    async def scenario() -> None:
        clock = Clock()
        async with service(greet) as endpoint:
            under_test = connector(LocalPort(endpoint), clock=clock)
            pauses = []
            for did_serve in (False, False, True, False):
                connection = await under_test.greeted()
                await connection.close()
                if did_serve:
                    under_test.served("peer-0")
                under_test.failed("peer-0")
                with pytest.raises(Unreachable) as refused:
                    await under_test.greeted()
                pauses.append(round(refused.value.retry_seconds))
                clock.now += 100
        assert pauses == [8, 16, 8, 16]

    asyncio.run(scenario())


def test_pause_is_spread_so_that_peers_do_not_come_back_together() -> None:
    async def scenario() -> None:
        port = LocalPort(await closed_port())
        spread = set()
        for seed in range(20):
            chance = random.Random(seed)
            alone = Connector([Route("a", port)], QUICK, Clock(), chance.random)
            with pytest.raises(Unreachable) as refused:
                await alone.greeted()
            spread.add(refused.value.retry_seconds)
        assert len(spread) == 20
        assert min(spread) >= 4
        assert max(spread) <= 8

    asyncio.run(scenario())


def test_name_is_looked_up_by_the_router_under_an_isolated_identity() -> None:
    async def scenario() -> None:
        socks = Socks()
        async with service(socks.serve) as proxy:
            way = Socks5(proxy, "a" * 52 + ".b32.i2p", 25, IDENTITY)
            connection = await connector(way).greeted()
            assert await connection.reader.readline() == b"220 hello\r\n"
            await connection.close()
        assert socks.names == [(b"a" * 52 + b".b32.i2p", 25)]
        assert socks.logins == [b"name:word"]

    asyncio.run(scenario())


def test_router_that_wants_no_password_is_fine_too() -> None:
    async def scenario() -> None:
        socks = Socks(takes_passwords=False)
        async with service(socks.serve) as proxy:
            connection = await connector(Socks5(proxy, "mail.i2p", 25, IDENTITY)).greeted()
            await connection.close()
        assert socks.logins == []

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "reply",
    [
        b"\x05\x04\x00\x01\x7f\x00\x00\x01\x00\x19",
        b"\x04\x00\x00\x01\x7f\x00\x00\x01\x00\x19",
        b"\x05\xff\x00\x01\x7f\x00\x00\x01\x00\x19",
        b"\x05\x00\x07\x01\x7f\x00\x00\x01\x00\x19",
        b"\x05\x00\x00\x09\x7f\x00\x00\x01\x00\x19",
        b"\x05\x00\x00\x03\x02\xff\xfe\x00\x19",
        b"\x05\x04\x00",
    ],
)
def test_whatever_a_socks_port_refuses_with_is_an_unreachable_peer(reply: bytes) -> None:
    async def scenario() -> None:
        async with service(Socks(reply=reply).serve) as proxy:
            with pytest.raises(Unreachable):
                await connector(Socks5(proxy, "mail.i2p", 25, IDENTITY)).greeted()

    asyncio.run(scenario())


def test_socks_port_that_never_answers_meets_the_connect_deadline() -> None:
    async def scenario() -> None:
        patience = replace(QUICK, connect_seconds=0.05)
        async with service(stay_silent) as proxy:
            under_test = connector(Socks5(proxy, "mail.i2p", 25, IDENTITY), patience=patience)
            with pytest.raises(Unreachable):
                await under_test.greeted()
        assert (under_test.counts.refused, under_test.counts.connected) == (1, 0)

    asyncio.run(scenario())


def test_cancelling_closes_the_stream() -> None:
    async def scenario() -> None:
        gone = asyncio.Event()

        async def watch(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            try:
                await reader.read()
            finally:
                gone.set()

        async with service(watch) as endpoint:
            reaching = asyncio.create_task(connector(LocalPort(endpoint)).greeted())
            await asyncio.sleep(0.02)
            reaching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reaching
            await asyncio.wait_for(gone.wait(), 5)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "host", ["example.org", "127.0.0.1", "", "i2p", "x.i2p.", "Mail.i2p", "a b.i2p", "x" * 300]
)
def test_name_that_another_network_knows_is_never_asked_for(host: str) -> None:
    with pytest.raises(ValueError, match=r"\.i2p or \.onion"):
        Socks5(Endpoint("127.0.0.1", 4447), host, 25, IDENTITY)
    Socks5(Endpoint("127.0.0.1", 4447), "mail.i2p", 25, IDENTITY)
    Socks5(Endpoint("127.0.0.1", 9050), "a" * 56 + ".onion", 25, IDENTITY)


def test_nothing_but_loopback_is_ever_dialled() -> None:
    outside = Endpoint("192.0.2.1", 25)
    with pytest.raises(ValueError, match="loopback"):
        LocalPort(outside)
    with pytest.raises(ValueError, match="loopback"):
        Socks5(outside, "mail.i2p", 25, IDENTITY)
    with pytest.raises(ValueError, match="port"):
        Socks5(Endpoint("127.0.0.1", 4447), "mail.i2p", 0, IDENTITY)


def test_two_peers_of_one_name_are_refused() -> None:
    way = LocalPort(Endpoint("127.0.0.1", 1))
    with pytest.raises(ValueError, match="twice"):
        Connector([Route("a", way), Route("a", way)], QUICK, Clock(), random.random)


def test_no_peers_at_all_are_unreachable() -> None:
    with pytest.raises(Unreachable):
        asyncio.run(connector().greeted())


def test_neither_destination_nor_identity_is_printed() -> None:
    way = Socks5(Endpoint("127.0.0.1", 4447), "secretname.i2p", 25, isolation(random.randbytes))
    printed = repr(Route("peer", way))
    assert "secretname" not in printed
    assert way.isolation.username not in printed
    assert way.isolation.password not in printed


def test_every_isolation_is_another() -> None:
    chance = random.Random(7)
    assert isolation(chance.randbytes) != isolation(chance.randbytes)
