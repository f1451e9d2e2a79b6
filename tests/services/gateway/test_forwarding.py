# SPDX-License-Identifier: Apache-2.0
"""What was kept comes to the core, each parcel once, the oldest first, and leaves only then."""

import pytest

from eepost.services.gateway.reception.forwarding import Forwarding
from eepost.wire.transfer.messages import Incoming, Taken
from tests.services.gateway.fakes import Clock, FakeCore, MemoryParcels


class Stop(Exception):  # noqa: N818 - nothing is wrong
    """Ends `run`."""


class Stage:
    """Forwarding with fakes."""

    def __init__(self, state: str = "there") -> None:
        self.core = FakeCore(state)
        self.parcels = MemoryParcels()
        self.clock = Clock()
        self.pauses = 0
        self.faults: list[BaseException] = []
        self.is_up = True
        self.forwarding = Forwarding(
            core=self.core,
            parcels=self.parcels,
            is_up=lambda: self.is_up,
            clock=self.clock,
            pause=self._pause,
            fault=self.faults.append,
            keep_seconds=1_000,
            pause_seconds=5,
        )

    async def _pause(self, seconds: float) -> None:
        assert seconds == 5
        self.pauses += 1
        if self.pauses > 2:
            raise Stop

    def keep(self, number: int, age: float = 0) -> bytes:
        transfer = bytes([number]) * 16
        self.parcels.held[transfer] = b"parcel %d" % number
        self.parcels.ages[transfer] = age
        return transfer


async def test_parcels_go_to_the_core_the_oldest_first() -> None:
    stage = Stage()
    young, old = stage.keep(1, 10), stage.keep(2, 20)
    assert await stage.forwarding.round() == 2
    assert stage.core.taken == [
        (Incoming(0, old, "", (), 8, is_sealed=True), b"parcel 2"),
        (Incoming(0, young, "", (), 8, is_sealed=True), b"parcel 1"),
    ]
    assert stage.parcels.held == {}
    assert stage.forwarding.counts.forwarded == 2


async def test_parcel_stays_until_the_core_has_answered_for_it() -> None:
    stage = Stage("away")
    stage.keep(1)
    assert await stage.forwarding.round() == 0
    assert len(stage.parcels.held) == 1
    stage.core.state = "there"
    assert await stage.forwarding.round() == 1


async def test_parcel_that_the_core_puts_off_is_tried_again_later_and_later() -> None:
    stage = Stage("busy")
    stage.keep(1)
    for wait in (300, 600, 1_200):
        before = len(stage.core.taken)
        assert await stage.forwarding.round() == 0
        assert await stage.forwarding.round() == 0
        assert len(stage.core.taken) == before + 1
        stage.clock.now += wait
    stage.core.state = "there"
    assert await stage.forwarding.round() == 1
    assert stage.forwarding.counts.put_off == 3


async def test_one_that_is_put_off_holds_up_no_other() -> None:
    stage = Stage()
    refused = stage.keep(1, 50)
    stage.keep(2)
    take = stage.core.take

    async def take_some(order: Incoming, content: object) -> Taken:
        stage.core.state = "busy" if order.transfer == refused else "there"
        return await take(order, content)  # type: ignore[arg-type]

    stage.core.take = take_some  # type: ignore[method-assign]
    assert await stage.forwarding.round() == 1
    assert list(stage.parcels.held) == [refused]


async def test_parcel_that_is_too_old_is_dropped_and_counted() -> None:
    stage = Stage()
    stage.keep(1, 1_001)
    assert await stage.forwarding.round() == 1
    assert stage.core.taken == []
    assert stage.parcels.held == {}
    assert stage.forwarding.counts.expired == 1


async def test_parcel_that_is_gone_already_is_no_fault() -> None:
    stage = Stage()
    transfer = stage.keep(1)

    async def nothing(_transfer: bytes) -> None:
        stage.parcels.held.pop(transfer, None)

    stage.parcels.get = nothing  # type: ignore[assignment, method-assign]
    await stage.forwarding.round()
    assert stage.core.taken == []


async def test_it_rests_while_the_core_is_away_and_survives_a_failing_disk() -> None:
    stage = Stage()
    stage.keep(1)
    stage.is_up = False
    with pytest.raises(Stop):
        await stage.forwarding.run()
    assert stage.core.taken == []

    async def broken(_count: int) -> list[bytes]:
        raise OSError

    stage.is_up, stage.pauses = True, 0
    oldest, stage.parcels.oldest = stage.parcels.oldest, broken  # type: ignore[assignment, method-assign]
    with pytest.raises(Stop):
        await stage.forwarding.run()
    assert len(stage.faults) == 3
    stage.parcels.oldest, stage.pauses = oldest, 0  # type: ignore[method-assign]
    with pytest.raises(Stop):
        await stage.forwarding.run()
    assert stage.parcels.held == {}
