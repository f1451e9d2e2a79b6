# SPDX-License-Identifier: Apache-2.0
"""Whatever a message does to its worker, that message fails for now and nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from eepost.sanitise.cleaner import Why
from eepost.workers.answers import Fault
from tests.workers.rig import Rig, running


@asynccontextmanager
async def beside_another(**bounds: float) -> AsyncIterator[Rig]:
    """Run a pool that answers before and after, for the same owner and for another one."""
    async with running(**bounds) as rig:  # type: ignore[arg-type]
        assert await rig.ask("echo", b"before") == b"before"
        yield rig
        assert await rig.ask("echo", b"after") == b"after"
        assert await rig.ask("echo", b"other", whose="bob") == b"other"


async def test_endless_loop_is_ended_at_the_time_limit() -> None:
    async with beside_another(seconds=0.5) as rig:
        began = time.monotonic()
        assert await rig.fails("spin") is Why.TIME
        assert time.monotonic() - began < 5
        await rig.settle(0)


async def test_worker_that_waits_for_ever_is_ended_at_the_time_limit() -> None:
    async with beside_another(seconds=0.5) as rig:
        assert await rig.fails("hang") is Why.TIME


async def test_greed_for_memory_is_a_fault_of_the_message() -> None:
    async with beside_another() as rig:
        assert await rig.fails("eat") is Why.FAULT
        ((_, fault),) = rig.told
        assert isinstance(fault, Fault)
        assert fault.kind == "MemoryError"


async def test_memory_limit_is_where_it_was_set() -> None:
    message = bytes(60_000_000)
    async with running(memory_octets=150_000_000) as rig:
        assert len(await rig.ask("echo", message)) == len(message)
    async with running(memory_octets=50_000_000) as rig:
        assert await rig.fails("echo", message) is Why.DIED


@pytest.mark.parametrize("death", ["eat_in_c", "point_nowhere", "abort", "leave 0", "leave 1"])
async def test_death_of_a_worker_is_its_messages_failure(death: str) -> None:
    async with beside_another() as rig:
        assert await rig.fails(death) is Why.DIED
        await rig.settle(0)


async def test_too_deep_recursion_is_a_fault() -> None:
    async with beside_another() as rig:
        assert await rig.fails("recurse") is Why.FAULT


async def test_fault_says_what_and_where_but_nothing_of_the_message() -> None:
    async with beside_another() as rig:
        assert await rig.fails("fail", b"a secret") is Why.FAULT
        ((_, fault),) = rig.told
        assert fault is not None
        assert fault.kind == "ValueError"
        assert {name for name, _ in fault.places} == {"worker.py"}  # where it was called from
        assert "secret" not in str(fault)


@pytest.mark.parametrize(
    "lie",
    [
        *("claim_sizes 4294967295,0", "claim_sizes 0,4294967295", "claim_sizes 0,0"),
        *("answer_noise", "answer_twice", "answer_for_ever"),
    ],
)
async def test_answer_that_no_sound_worker_gives_ends_the_worker(lie: str) -> None:
    async with beside_another() as rig:
        assert await rig.fails(lie) is Why.DIED
        await rig.settle(0)


async def test_worker_that_does_not_read_a_large_message_is_ended() -> None:
    async with beside_another(seconds=1) as rig:
        waiting = asyncio.create_task(rig.fails("hang", bytes(30_000_000)))
        assert await waiting is Why.TIME


async def test_others_go_on_at_full_speed_while_one_hangs() -> None:
    async with running(count=2, seconds=3) as rig:
        await rig.ask("echo", whose="bob")
        hanging = asyncio.create_task(rig.fails("hang", whose="mallory"))
        await asyncio.sleep(0)
        began = time.monotonic()
        for _ in range(200):
            await rig.ask("echo", b"x", whose="bob")
        assert time.monotonic() - began < 2  # some milliseconds each at the very worst
        assert not hanging.done()
        assert await hanging is Why.TIME


async def test_hundred_messages_at_once_each_get_their_own_answer() -> None:
    async with running(count=3, waiting=400) as rig:
        jobs = [
            rig.ask("echo", f"message {n}".encode() * (n * 50 + 1), whose=f"user {n % 7}")
            for n in range(100)
        ]
        answers = await asyncio.gather(*jobs)
        assert answers == [f"message {n}".encode() * (n * 50 + 1) for n in range(100)]
        assert len(rig.workers()) <= 3


async def test_deaths_among_many_touch_no_others() -> None:
    async with running(count=2, waiting=400) as rig:
        good = [rig.ask("echo", b"%d" % n, whose=f"user {n % 5}") for n in range(60)]
        bad = [rig.fails("abort", whose=f"user {n % 5}") for n in range(20)]
        *answers, last = await asyncio.gather(*good, asyncio.gather(*bad))
        assert answers == [b"%d" % n for n in range(60)]
        assert last == [Why.DIED] * 20
