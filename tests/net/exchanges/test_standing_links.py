# SPDX-License-Identifier: Apache-2.0
"""A link that is kept up, and the port that takes it, over loopback."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest

from eepost.net.connect import LocalPort, Patience, Route
from eepost.net.exchanges.answerer import Asked, Responses
from eepost.net.exchanges.listening import MAX_STRANGERS, MAX_STREAMS, Desk, LinkListener
from eepost.net.exchanges.standing import Means, StandingLink
from eepost.net.exchanges.stream import Bounds
from eepost.net.link import LinkCut, LinkStream
from eepost.net.listeners import Endpoint
from eepost.wire.link.engine import Link
from eepost.wire.link.pairing import Pairing, Role, Side
from eepost.wire.link.proof import Seat
from eepost.wire.transfer.messages import AskRecipient, RecipientStanding, Standing
from eepost.wire.transit import Transit
from tests.engines.link.ends import CORE, MIRRORED, PAIRING
from tests.net.exchanges.pair import knock

OTHER = Pairing(CORE, Side(Role.GATEWAY, b"\x6b" * 32), bytes(32))
ANYWHERE = Endpoint("127.0.0.1", 0)


async def welcome(asked: Asked) -> None:
    await asked.answer(RecipientStanding(0, Standing.WELCOME))


@dataclass
class Port:
    """The port of a gateway, which may go away and come back."""

    pairings: list[Pairing] = field(default_factory=lambda: [MIRRORED])
    responses: Responses = field(default_factory=lambda: {AskRecipient: welcome})
    prove_seconds: float = 5.0
    asked_by: list[Pairing] = field(default_factory=list)
    endpoint: Endpoint = ANYWHERE
    listener: LinkListener | None = None

    async def up(self) -> LinkListener:
        def responses(pairing: Pairing) -> Responses:
            self.asked_by.append(pairing)
            return self.responses

        room = Transit(1_000_000)
        desk = Desk(
            pairings=lambda: self.pairings,
            responses=responses,
            room=lambda _: room,
            bounds=Bounds(),
            fault=lambda error: None,
            random_octets=os.urandom,
            prove_seconds=self.prove_seconds,
        )
        self.listener = LinkListener(desk)
        self.endpoint = await self.listener.start(self.endpoint)
        return self.listener

    async def down(self, grace_seconds: float = 0.0) -> None:
        if self.listener is not None:
            await self.listener.stop(grace_seconds)
            self.listener = None


@asynccontextmanager
async def serving(port: Port | None = None) -> AsyncIterator[tuple[Port, LinkListener]]:
    port = port or Port()
    listener = await port.up()
    try:
        yield port, listener
    finally:
        await port.down()
        await asyncio.sleep(0.01)


@asynccontextmanager
async def dialling(port: Port, pairing: Pairing = PAIRING) -> AsyncIterator[StandingLink]:
    loop = asyncio.get_running_loop()
    patience = Patience(
        connect_seconds=5,
        first_octet_seconds=5,
        retry_first_seconds=0.02,
        retry_longest_seconds=0.1,
    )
    means = Means(loop.time, lambda: 0.5, os.urandom, patience, Bounds(), 5.0)
    link = StandingLink(Route("gateway", LocalPort(port.endpoint)), pairing, means)
    running = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        await link.finish(1)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def is_welcome(link: StandingLink, within_seconds: float = 5.0) -> bool:
    async with link.ask(knock(), within_seconds=within_seconds) as answers:
        return isinstance(await anext(answers), RecipientStanding)


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not claim():  # noqa: ASYNC110 - counters tell nobody when they change
            await asyncio.sleep(0.005)


async def test_question_waits_for_the_link_and_is_answered() -> None:
    async with serving() as (port, listener), dialling(port) as link:
        assert not link.is_up
        assert await is_welcome(link)
        assert link.is_up
        assert (link.counts.opened, listener.counts.opened, listener.open_streams) == (1, 1, 1)


async def test_without_a_link_a_question_fails_in_the_time_it_has() -> None:
    async with serving() as (port, _):
        await port.down()
        async with dialling(port) as link:
            with pytest.raises(LinkCut):
                await is_welcome(link, 0.05)
            await until(lambda: link.counts.unreachable > 2)


async def test_link_that_broke_is_dialled_again() -> None:
    async with serving() as (port, _), dialling(port) as link:
        assert await is_welcome(link)
        for _ in range(3):
            await port.down()
            await until(lambda: not link.is_up)
            await port.up()
            assert await is_welcome(link)
        assert link.counts.lost == 3


async def test_peer_that_does_not_know_the_secret_is_never_up() -> None:
    wrong = replace(PAIRING, secret=b"\x01" * 32)
    async with serving() as (port, listener), dialling(port, wrong) as link:
        await until(lambda: link.counts.not_proven > 2)
        assert not link.is_up
        assert listener.counts.not_proven > 2
        assert listener.open_streams == 0


async def test_port_knows_by_the_proof_who_asks() -> None:
    port = Port(pairings=[MIRRORED, OTHER.mirrored()])
    async with serving(port), dialling(port) as one, dialling(port, OTHER) as other:
        assert await is_welcome(one)
        assert await is_welcome(other)
        assert {each.secret for each in port.asked_by} == {PAIRING.secret, OTHER.secret}


async def test_peer_that_is_not_paired_any_more_is_dropped_and_not_taken_again() -> None:
    async with serving() as (port, listener), dialling(port) as link:
        assert await is_welcome(link)
        port.pairings.clear()
        await listener.drop(MIRRORED, 0)
        await until(lambda: not link.is_up)
        await until(lambda: listener.counts.turned_away > 0)
        assert listener.open_streams == 0


async def test_oldest_of_too_many_streams_gives_way() -> None:
    async with serving() as (port, listener):
        links = []
        async with dialling(port) as first:
            assert await is_welcome(first)
            for _ in range(MAX_STREAMS):
                links.append(dialling(port))
                assert await is_welcome(await links[-1].__aenter__())
            await until(lambda: first.counts.lost > 0)
            assert listener.open_streams <= MAX_STREAMS + 1
            for each in links:
                await each.__aexit__(None, None, None)


async def test_strangers_who_say_nothing_are_bounded_in_number_and_time() -> None:
    port = Port(prove_seconds=0.2)
    async with serving(port) as (_, listener):
        streams = [
            await asyncio.open_connection("127.0.0.1", port.endpoint.port)
            for _ in range(MAX_STRANGERS + 3)
        ]
        await until(lambda: listener.counts.turned_away == 3)
        await until(lambda: listener.counts.not_proven == MAX_STRANGERS)
        for reader, writer in streams:
            hello = await reader.read()
            assert hello == b"" or hello.startswith(b"link/1 ")
            writer.close()
        async with dialling(port) as link:
            assert await is_welcome(link)


@pytest.mark.parametrize(("source", "is_taken"), [("127.9.9.9", False), ("127.192.192.192", True)])
async def test_stream_from_an_address_that_speaks_against_its_pairing_is_not_taken(
    source: str, is_taken: bool
) -> None:
    """A router gives each destination a loopback address of its own, made of its hash."""
    async with serving() as (port, listener):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port.endpoint.port, local_addr=(source, 0)
        )
        stream = LinkStream(reader, writer, Link(PAIRING, Seat.DIALLER, os.urandom(32)))
        await stream.prove(5)
        await until(lambda: listener.open_streams + listener.counts.not_proven == 1)
        assert listener.open_streams == is_taken
        stream.close()


async def test_stopping_finishes_what_is_being_answered() -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def slow(asked: Asked) -> None:
        begun.set()
        await release.wait()
        await welcome(asked)

    async with serving(Port(responses={AskRecipient: slow})) as (port, _), dialling(port) as link:
        asking = asyncio.create_task(is_welcome(link))
        await begun.wait()
        stopping = asyncio.create_task(port.down(5))
        await asyncio.sleep(0.01)
        release.set()
        assert await asking
        await stopping
