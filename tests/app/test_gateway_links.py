# SPDX-License-Identifier: Apache-2.0
"""A core's links to several gateways, one of which somebody else may have taken over."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from eepost.app.gateway_links import SMALLEST_SHARE_OCTETS, GatewayLinks
from eepost.app.known_gateways import KnownGateway, write_gateway
from eepost.net.connect import LocalPort, Patience, Route
from eepost.net.exchanges.answerer import Asked
from eepost.net.exchanges.standing import Means, StandingLink
from eepost.net.exchanges.stream import Bounds
from eepost.net.listeners import Endpoint, parse_endpoint
from eepost.observe.journal import Journal
from eepost.wire.link.pairing import Pairing, Role, Side
from eepost.wire.transfer.messages import UNNUMBERED, Declined, Incoming, Standing, Taken
from tests.internet.gateway import free_port

LARGE_OCTETS = 12_000_000
MESSAGE = Incoming(UNNUMBERED, bytes(16), "bob@far.example", ("alice@mail.i2p",), LARGE_OCTETS)


def introduce(directory: Path, name: str, seed: int) -> Pairing:
    """Write a gateway down, and return the pairing as it sees it."""
    core, own, secret = (bytes([seed + at]) * 32 for at in range(3))
    known = KnownGateway(
        way=f"port 127.0.0.1:{free_port()}",  # nobody is there: gateways dial the core here
        port=1,
        gateway=own.hex(),
        core=core.hex(),
        secret=secret.hex(),
    )
    write_gateway(directory, name, known)
    return Pairing(own=Side(Role.GATEWAY, own), other=Side(Role.CORE, core), secret=secret)


@asynccontextmanager
async def dialling(core: Endpoint, pairing: Pairing) -> AsyncIterator[StandingLink]:
    loop = asyncio.get_running_loop()
    means = Means(loop.time, lambda: 0.5, os.urandom, Patience(retry_first_seconds=0.1), Bounds())
    link = StandingLink(Route("core", LocalPort(core)), pairing, means)
    running = loop.create_task(link.run())
    try:
        yield link
    finally:
        await link.finish(0)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def answer_to(link: StandingLink) -> type[object]:
    """Bring a message, and return what kind of answer comes."""
    async with link.ask(MESSAGE, [bytes(LARGE_OCTETS)], 5) as answers:
        return type(await anext(answers))


async def test_gateway_that_fills_its_room_leaves_the_other_its_own(tmp_path: Path) -> None:
    hijacked, honest = introduce(tmp_path, "hijacked", 1), introduce(tmp_path, "honest", 11)

    async def take(asked: Asked) -> None:
        await asked.content()
        await asked.answer(Taken(UNNUMBERED, (Standing.WELCOME,)))

    async def never(_: Asked) -> None:
        await asyncio.Event().wait()

    links = GatewayLinks(
        tmp_path,
        parse_endpoint(f"127.0.0.1:{free_port()}"),
        Journal(),
        in_transit_octets=2 * SMALLEST_SHARE_OCTETS,
        responses=lambda name: {Incoming: never if name == "hijacked" else take},
    )
    await links.start()
    assert links.listening is not None
    try:
        async with AsyncExitStack() as stack:
            # Two streams of one gateway have one share.
            first, second = [
                await stack.enter_async_context(dialling(links.listening, hijacked))
                for _ in range(2)
            ]
            other = await stack.enter_async_context(dialling(links.listening, honest))
            held = asyncio.ensure_future(answer_to(first))
            assert links._held["hijacked"].room.octets == 0
            async with asyncio.timeout(10):
                while links._held["hijacked"].room.octets < LARGE_OCTETS:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert await answer_to(second) is Declined
            assert await answer_to(other) is Taken
            held.cancel()
            with suppress(asyncio.CancelledError):
                await held
    finally:
        await links.stop(0)
    assert links._room.octets == 0
