# SPDX-License-Identifier: Apache-2.0
"""What waits to leave is bounded for all accounts together."""

from eepost.queue.books import Entry, Move
from eepost.services.mta.queue_room import HOLDS_SECONDS, QueueRoom
from tests.queue.fakes import MemoryQueue
from tests.queue.samples import item, sealed, sealer
from tests.services.relaying import Office


def room_of(office: Office, limit_octets: int) -> QueueRoom:
    return QueueRoom(office.kept, limit_octets, lambda: office.uptime)


async def test_room_ends_with_what_waits_and_is_there_again_when_it_has_left() -> None:
    office = Office()
    room = room_of(office, 100_000)
    assert await room.has(100_000)
    assert not await room.has(100_001)
    waiting = sealed(sealer(), item(), bytes(90_000))
    assert isinstance(office.kept, MemoryQueue)
    await office.kept.accept([], None, Entry(waiting))
    assert await room.has(90_000), "it is not counted each time"
    office.pass_time(HOLDS_SECONDS)
    assert not await room.has(90_000)
    await office.kept.move(Move(waiting.stored, None))
    office.pass_time(HOLDS_SECONDS)
    assert await room.has(90_000)


async def test_what_is_accepted_between_two_counts_is_counted_at_once() -> None:
    room = room_of(Office(), 100_000)
    for _ in range(10):
        assert await room.has(10_000)
        room.note(10_000)
    assert not await room.has()
