# SPDX-License-Identifier: Apache-2.0
"""The commit lane: groups, replays, bounds, appointments. The writer is a fake that can be held."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from eepost.maildrop.ports import StoreUnavailable
from eepost.store.sqlite import lane as lane_module
from eepost.store.sqlite.lane import Lane, NotBegun
from eepost.store.sqlite.work import Cleaning, Discard, Emptying, Work

POISON = -1
PATIENCE_SECONDS = 20


@dataclass
class FakeWriter:
    """Answers each Emptying with its account's number; writes down the batches."""

    batches: list[list[int]] = field(default_factory=list)
    may_go: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    can_begin: bool = True
    leaves_traces: bool = False
    scrubs_at: list[int] = field(default_factory=list)  # how many batches were before
    scrub_works: bool = True
    scrub_raises: bool = False
    is_closed: bool = False

    def perform(self, batch: Sequence[Work]) -> Sequence[Any]:
        self.begun.set()
        assert self.may_go.wait(PATIENCE_SECONDS)
        if not self.can_begin:
            raise NotBegun
        accounts = [work.account for work in batch if isinstance(work, Emptying)]
        if POISON in accounts:
            raise ValueError("poison")
        self.batches.append(accounts)
        return accounts

    def scrub(self) -> bool:
        if self.scrub_raises:
            raise ValueError("unexpected")
        self.scrubs_at.append(len(self.batches))
        self.leaves_traces = self.leaves_traces and not self.scrub_works
        return self.scrub_works

    def close(self) -> None:
        self.is_closed = True


@dataclass
class FakeClock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def run(scenario: Callable[[Lane, FakeWriter], Awaitable[None]], held: bool = False) -> FakeWriter:
    writer = FakeWriter()
    if not held:
        writer.may_go.set()

    async def opened() -> None:
        lane = Lane(writer, asyncio.get_running_loop(), FakeClock(), scrub_after_seconds=30.0)
        lane.start()
        try:
            await scenario(lane, writer)
        finally:
            writer.may_go.set()
            await lane.stop()

    asyncio.run(opened())
    return writer


async def begun(writer: FakeWriter) -> None:
    loop = asyncio.get_running_loop()
    assert await loop.run_in_executor(None, writer.begun.wait, PATIENCE_SECONDS)


def test_what_arrives_during_a_commit_shares_the_next_one() -> None:
    async def scenario(lane: Lane, writer: FakeWriter) -> None:
        first = lane.submit(Emptying(0))
        await begun(writer)
        later = [lane.submit(Emptying(number)) for number in range(1, 8)]
        await asyncio.sleep(0)
        later += [lane.submit(Emptying(number)) for number in range(8, 10)]
        await asyncio.sleep(0)
        writer.may_go.set()
        assert await asyncio.gather(first, *later) == list(range(10))
        assert lane.counts.commits == 2
        assert lane.counts.items == 10
        assert lane.counts.largest_batch == 9

    assert run(scenario, held=True).batches == [[0], list(range(1, 10))]


def test_what_arrives_in_one_turn_of_the_loop_is_one_batch() -> None:
    async def scenario(lane: Lane, _: FakeWriter) -> None:
        assert await asyncio.gather(*(lane.submit(Emptying(n)) for n in range(20)))

    assert run(scenario).batches == [list(range(20))]


def test_a_poisoned_item_fails_alone() -> None:
    async def scenario(lane: Lane, _: FakeWriter) -> None:
        work = [Emptying(1), Emptying(2), Emptying(POISON), Emptying(3)]
        results = await asyncio.gather(*map(lane.submit, work), return_exceptions=True)
        assert results[:2] == [1, 2]
        assert isinstance(results[2], StoreUnavailable)
        assert isinstance(results[2].__cause__, ValueError)
        assert results[3] == 3
        assert (lane.counts.replays, lane.counts.failures) == (1, 1)

    assert run(scenario).batches == [[1], [2], [3]]


def test_nothing_is_replayed_where_no_transaction_can_begin() -> None:
    async def scenario(lane: Lane, writer: FakeWriter) -> None:
        writer.can_begin = False
        works = [lane.submit(Emptying(number)) for number in range(5)]
        results = await asyncio.gather(*works, return_exceptions=True)
        assert all(isinstance(result, StoreUnavailable) for result in results)
        assert lane.counts.replays == 0
        writer.can_begin = True
        assert await lane.submit(Emptying(6)) == 6

    assert run(scenario).batches == [[6]]


def test_too_much_that_waits_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_module, "MAX_WAITING_ITEMS", 3)

    async def scenario(lane: Lane, writer: FakeWriter) -> None:
        taken = [lane.submit(Emptying(number)) for number in range(3)]
        with pytest.raises(StoreUnavailable):
            await lane.submit(Emptying(3))
        writer.may_go.set()
        assert await asyncio.gather(*taken) == [0, 1, 2]
        assert await lane.submit(Emptying(4)) == 4

    run(scenario, held=True)


@pytest.mark.parametrize(("limit", "batches"), [(4, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]])])
def test_a_batch_has_a_bound(
    limit: int, batches: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "MAX_BATCH_ITEMS", limit)

    async def scenario(lane: Lane, _: FakeWriter) -> None:
        works = [lane.submit(Emptying(number)) for number in range(10)]
        assert await asyncio.gather(*works) == list(range(10))

    assert run(scenario).batches == batches


def test_stop_finishes_what_was_submitted() -> None:
    late: list[asyncio.Future[Any]] = []

    async def scenario(lane: Lane, writer: FakeWriter) -> None:
        first = lane.submit(Emptying(1))
        await begun(writer)
        second = lane.submit(Emptying(2))
        stopping = asyncio.ensure_future(lane.stop())
        await asyncio.sleep(0)
        late.append(lane.submit(Emptying(3)))
        writer.may_go.set()
        await stopping
        assert (await first, await second) == (1, 2)
        with pytest.raises(StoreUnavailable):
            await late[0]

    writer = run(scenario, held=True)
    assert writer.batches == [[1], [2]]
    assert writer.is_closed
    assert writer.scrubs_at == [2], "the log is cut at the end"


def test_stop_finishes_more_than_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_module, "MAX_BATCH_ITEMS", 2)

    async def scenario(lane: Lane, _: FakeWriter) -> None:
        works = [lane.submit(Emptying(number)) for number in range(7)]
        await lane.stop()
        assert await asyncio.gather(*works) == list(range(7))

    run(scenario)


def test_who_went_away_harms_nobody() -> None:
    async def scenario(lane: Lane, writer: FakeWriter) -> None:
        gone, stays = lane.submit(Emptying(1)), lane.submit(Emptying(2))
        await begun(writer)
        gone.cancel()
        writer.may_go.set()
        assert await stays == 2

    assert run(scenario, held=True).batches == [[1, 2]]


def test_the_log_is_cut_some_time_after_a_deletion_and_not_before() -> None:
    async def scenario(lane: Lane, writer: FakeWriter) -> None:
        clock = lane.clock
        assert isinstance(clock, FakeClock)
        await lane.submit(Emptying(1))
        writer.leaves_traces = True
        # A result is told before the lane looks at its appointments: two more make sure.
        await lane.submit(Emptying(2))
        await lane.submit(Emptying(3))
        clock.now = 29.0
        await lane.submit(Emptying(4))
        assert writer.scrubs_at == []
        clock.now = 30.0
        await lane.submit(Emptying(5))
        await lane.submit(Emptying(6))
        assert len(writer.scrubs_at) == 1

    run(scenario)


def test_a_log_that_others_hold_is_cut_later() -> None:
    async def scenario(lane: Lane, writer: FakeWriter) -> None:
        clock = lane.clock
        assert isinstance(clock, FakeClock)
        writer.leaves_traces, writer.scrub_works = True, False
        for second in (0.0, 0.0, 31.0, 31.5, 32.5, 32.5):
            clock.now = second
            await lane.submit(Emptying(1))
        assert len(writer.scrubs_at) == 2
        writer.scrub_works = True
        clock.now = 40.0
        await lane.submit(Emptying(1))
        clock.now = 80.0
        await lane.submit(Emptying(1))
        await lane.submit(Emptying(1))
        assert len(writer.scrubs_at) == 3

    run(scenario)


def test_a_fault_while_the_log_is_cut_does_not_end_the_lane() -> None:
    async def scenario(lane: Lane, writer: FakeWriter) -> None:
        clock = lane.clock
        assert isinstance(clock, FakeClock)
        writer.leaves_traces = writer.scrub_raises = True
        for second in (0.0, 0.0, 31.0, 31.5, 32.5, 32.5):
            clock.now = second
            assert await lane.submit(Emptying(1)) == 1

    assert run(scenario).is_closed


def test_a_loop_that_is_gone_does_not_stop_the_lane_from_ending() -> None:
    writer = FakeWriter()
    loop = asyncio.new_event_loop()
    lane = Lane(writer, loop, FakeClock(), 30.0)
    lane.start()

    async def submit() -> None:
        lane.submit(Emptying(1))
        await begun(writer)

    loop.run_until_complete(submit())
    thread = lane._thread
    assert thread is not None
    stop = lane.stop()
    loop.close()
    with pytest.raises(RuntimeError):
        stop.send(None)
    writer.may_go.set()
    thread.join(PATIENCE_SECONDS)
    assert writer.batches == [[1]]
    assert writer.is_closed


def test_small_work_weighs_nothing() -> None:
    assert Discard((1,)).octets == Emptying(1).octets == Cleaning(frozenset(), 0).octets == 0
