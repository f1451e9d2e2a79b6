# SPDX-License-Identifier: Apache-2.0
"""Sessions over a route of seconds finish, whatever it does to their octets.

The seconds here are real, and all the sessions of a test run at once.
"""

import asyncio
import time

from tests.figures import Figure
from tests.office import PostOffice, mail
from tests.slow.route import Route, routed
from tests.slow.sessions import fetch, submit

ONE_WAY_SECONDS = 0.5
LETTERS = 5
BODY = "first\r\n.\r\n..two dots\r\n" + "line\r\n" * 50


def bodies(messages: list[bytes]) -> list[bytes]:
    return [message.partition(b"\r\n\r\n")[2] for message in messages]


def test_pipelining_saves_the_round_trips_that_it_should(post: PostOffice, figure: Figure) -> None:
    for _ in range(LETTERS):
        for name in ("alice", "bob"):
            post.submit("dave@mail.i2p", f"{name}@mail.i2p", mail("dave", name, BODY))

    async def timed(kind: str, *, pipelined: bool) -> tuple[int, float]:
        route = Route(ONE_WAY_SECONDS)
        begun = time.monotonic()
        async with routed(route, post.smtp_port if kind == "submit" else post.pop3_port) as port:
            if kind == "submit":
                message = mail("alice", "carol", BODY)
                await submit(port, "alice", "carol", message, pipelined=pipelined)
            else:
                name = "alice" if pipelined else "bob"
                fetched = await fetch(port, name, pipelined=pipelined)
                assert bodies(fetched) == [BODY.encode()] * LETTERS
        return route.turns, time.monotonic() - begun

    async def scenario() -> list[tuple[int, float]]:
        kinds = [(kind, pipelined) for kind in ("submit", "fetch") for pipelined in (False, True)]
        return await asyncio.gather(*(timed(kind, pipelined=flag) for kind, flag in kinds))

    slow_submit, quick_submit, slow_fetch, quick_fetch = asyncio.run(scenario())
    for what, slow, quick in (
        ("submission", slow_submit, quick_submit),
        (f"fetch and delete of {LETTERS}", slow_fetch, quick_fetch),
    ):
        figure(
            f"round trip of {2 * ONE_WAY_SECONDS:.0f} s, {what}: {slow[0]} turns {slow[1]:.1f} s,"
            f" pipelined {quick[0]} turns {quick[1]:.1f} s"
        )
    # EHLO, AUTH, MAIL, RCPT, DATA, content, QUIT; pipelined EHLO, AUTH, envelope, content.
    assert (slow_submit[0], quick_submit[0]) == (7, 4)
    # USER, PASS, STAT, UIDL, 5 RETR, 5 DELE, QUIT; pipelined login with listing, RETR, DELE.
    assert (slow_fetch[0], quick_fetch[0]) == (15, 3)
    assert slow_submit[1] - quick_submit[1] > 2 * 2 * ONE_WAY_SECONDS
    assert slow_fetch[1] - quick_fetch[1] > 10 * 2 * ONE_WAY_SECONDS
    assert bodies(post.fetch("carol")) == [BODY.encode()] * 2


def test_octets_that_come_one_by_one_make_the_same_session(
    post: PostOffice, figure: Figure
) -> None:
    post.add("split-a", "split-b")

    async def scenario() -> tuple[int, list[bytes]]:
        route = Route(pieces=(1,))
        async with routed(route, post.smtp_port) as port:
            message = mail("split-a", "split-b", BODY)
            for pipelined in (False, True):
                await submit(port, "split-a", "split-b", message, pipelined=pipelined)
        async with routed(route, post.pop3_port) as port:
            return route.writes, await fetch(port, "split-b", pipelined=True)

    writes, fetched = asyncio.run(scenario())
    assert bodies(fetched) == [BODY.encode()] * 2
    assert writes > 2 * len(BODY)
    assert post.fetch("split-b") == []
    figure(f"split at every octet: {writes} pieces, three sessions finished")


def test_a_large_message_survives_odd_pieces_and_stalls_both_ways(
    post: PostOffice, figure: Figure
) -> None:
    post.add("stall-a", "stall-b")
    body = "".join(f"{n:070}\r\n" for n in range(20_000))
    route = Route(0.05, pieces=(1, 7, 4_095, 3, 30_000), stall_after_octets=500_000)
    route.stall_seconds = 3.0

    async def scenario() -> list[bytes]:
        async with routed(route, post.smtp_port) as port:
            message = mail("stall-a", "stall-b", body)
            await submit(port, "stall-a", "stall-b", message, pipelined=True)
        async with routed(route, post.pop3_port) as port:
            return await fetch(port, "stall-b", pipelined=True)

    begun = time.monotonic()
    fetched = asyncio.run(scenario())
    assert bodies(fetched) == [body.encode()]
    assert route.stalls == 2, "once on the way up and once on the way down"
    figure(f"1.4 MB both ways with two stalls of 3 s: {time.monotonic() - begun:.1f} s")


def test_a_slow_session_holds_up_no_other(post: PostOffice) -> None:
    post.add("held-a", "held-b")

    async def scenario() -> float:
        async with routed(Route(ONE_WAY_SECONDS), post.smtp_port) as slow_port:
            message = mail("held-a", "held-b")
            slow = asyncio.create_task(
                submit(slow_port, "held-a", "held-b", message, pipelined=True)
            )
            await asyncio.sleep(0.1)
            begun = time.monotonic()
            for _ in range(20):
                await submit(post.smtp_port, "held-a", "held-b", message, pipelined=True)
            took = time.monotonic() - begun
            assert not slow.done()
            await slow
            return took

    assert asyncio.run(scenario()) < 3.0
    assert len(post.fetch("held-b")) == 21
