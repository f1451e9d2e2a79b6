# SPDX-License-Identifier: Apache-2.0
"""Who waits for a worker, and whose turn it is. No process and no clock."""

import asyncio
from contextlib import suppress

import pytest

from eepost.workers.line import Line, LineFull


async def turns(line: Line, *owners: str) -> tuple[list[str], list[asyncio.Task[None]]]:
    """Let owners come one after the other; return who got a place, in order, as it grows."""
    served: list[str] = []

    async def come(whose: str) -> None:
        await line.take(whose)
        served.append(whose)

    tasks = []
    for whose in owners:
        tasks.append(asyncio.create_task(come(whose)))
        await asyncio.sleep(0)
    return served, tasks


async def give(line: Line, times: int) -> None:
    for _ in range(times):
        line.give()
        await asyncio.sleep(0)


async def test_free_places_are_taken_at_once() -> None:
    served, _ = await turns(Line(2, 10), "alice", "bob")
    assert served == ["alice", "bob"]


async def test_owners_take_turns_however_much_one_of_them_brings() -> None:
    line = Line(1, 100)
    served, _ = await turns(line, "x", *["mallory"] * 5, "alice", "bob", "alice")
    await give(line, 8)
    assert served == ["x", "mallory", "alice", "bob", "mallory", "alice"] + ["mallory"] * 3


async def test_place_that_nobody_waits_for_is_free_again() -> None:
    line = Line(1, 10)
    await turns(line, "alice")
    line.give()
    served, _ = await turns(line, "bob")
    assert served == ["bob"]


async def test_line_is_bounded() -> None:
    line = Line(1, 4)
    await turns(line, "x", "a", "b", "c", "d")
    with pytest.raises(LineFull):
        await line.take("e")


async def test_one_owner_leaves_room_for_others() -> None:
    line = Line(1, 8)
    await turns(line, "x", "mallory", "mallory")
    with pytest.raises(LineFull):
        await line.take("mallory")
    served, _ = await turns(line, "alice")
    await give(line, 2)
    assert served == ["alice"]


async def test_what_is_nobodys_may_fill_the_line() -> None:
    line = Line(1, 8)
    await turns(line, "x", *[""] * 8)
    with pytest.raises(LineFull):
        await line.take("")


async def test_who_gives_up_waiting_is_passed_over() -> None:
    line = Line(1, 10)
    served, tasks = await turns(line, "x", "alice", "bob")
    tasks[1].cancel()
    with suppress(asyncio.CancelledError):
        await tasks[1]
    await give(line, 1)
    assert served == ["x", "bob"]


async def test_place_given_to_who_gives_up_in_that_instant_is_not_lost() -> None:
    line = Line(1, 10)
    served, tasks = await turns(line, "x", "alice", "bob")
    line.give()
    tasks[1].cancel()
    with suppress(asyncio.CancelledError):
        await tasks[1]
    await asyncio.sleep(0)
    assert served == ["x", "bob"]
    line.give()
    assert line.places == 1
