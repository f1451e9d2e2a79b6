# SPDX-License-Identifier: Apache-2.0
import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from eepost.net.link import LinkCut, LinkStream, NotProven
from eepost.wire.link.engine import Link
from eepost.wire.link.pairing import Pairing
from eepost.wire.link.proof import Seat
from tests.engines.link.ends import MIRRORED, PAIRING

Scenario = Callable[[LinkStream, LinkStream], Awaitable[None]]


def between(scenario: Scenario, other: Pairing = MIRRORED) -> None:
    """Run `scenario` with the two ends of a stream."""

    async def run() -> None:
        ends = []
        pairs = zip(socket.socketpair(), (PAIRING, other), Seat, strict=True)
        for number, (end, pairing, seat) in enumerate(pairs):
            reader, writer = await asyncio.open_connection(sock=end)
            link = Link(pairing, seat, bytes([number + 1]) * 32)
            ends.append(LinkStream(reader, writer, link))
        try:
            await scenario(*ends)
        finally:
            for stream in ends:
                stream.close()
            await asyncio.sleep(0)

    asyncio.run(run())


async def proven(core: LinkStream, gateway: LinkStream) -> None:
    await asyncio.gather(core.prove(5), gateway.prove(5))


def test_both_ends_exchange_octets_after_the_proof() -> None:
    async def scenario(core: LinkStream, gateway: LinkStream) -> None:
        await proven(core, gateway)
        large = bytes(range(256)) * 2_000
        sending = asyncio.create_task(core.send(large))
        got = b""
        while len(got) < len(large):
            got += await gateway.receive()
        await sending
        assert got == large
        await gateway.send(b"thanks")
        assert await core.receive() == b"thanks"
        await core.finish()
        assert await gateway.receive() == b""
        await gateway.finish()
        assert await core.receive() == b""
        with pytest.raises(LinkCut):
            await core.receive()

    between(scenario)


def test_stranger_is_not_proven_and_the_stream_is_closed() -> None:
    async def scenario(core: LinkStream, stranger: LinkStream) -> None:
        outcomes = await asyncio.gather(core.prove(5), stranger.prove(5), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [NotProven, NotProven]

    between(scenario, replace(MIRRORED, secret=bytes(32)))


def test_silent_far_side_is_not_proven_at_the_deadline() -> None:
    async def scenario(core: LinkStream, _gateway: LinkStream) -> None:
        with pytest.raises(NotProven):
            await core.prove(0.02)

    between(scenario)


def test_stream_that_breaks_is_told_as_cut() -> None:
    async def scenario(core: LinkStream, gateway: LinkStream) -> None:
        await proven(core, gateway)
        core.close()
        with pytest.raises(LinkCut):
            await gateway.receive()

    between(scenario)
