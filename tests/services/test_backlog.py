# SPDX-License-Identifier: Apache-2.0
"""A long queue on a real disk leaves without being held in memory."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from eepost.queue.books import Entry
from eepost.services.mta.ports import OutgoingStore, Pieces
from eepost.services.mta.relay import Bounds, RelayService
from eepost.wire.transfer.messages import UNNUMBERED, Fate, Outcome, Relay
from tests.figures import Figure
from tests.services.relaying import MESSAGE, Gateways, Office
from tests.store.shelf import Shelf

SMALL, LONG, HELD = 1_000, 10_000, 2_000
CONTENT = MESSAGE + b"x" * 70 + b"\r\n"
# What a queue ten times as long may cost more. One item takes some 6 kB on the disk: were all of
# them held, these would be 60 MB.
MORE_OCTETS = 8_000_000


class Counting(Gateways):
    """Takes everything, and remembers nothing but how much."""

    holds_all = False

    def expect(self, count: int) -> None:
        self.expected, self.count, self.most_resident = count, 0, 0
        self.all_came = asyncio.Event()

    async def relay(
        self, gateway: str, order: Relay, content: Pieces
    ) -> AsyncGenerator[Outcome, None]:
        await asyncio.sleep(0)
        self.count += 1
        if self.count % 100 == 0:
            self.most_resident = max(self.most_resident, resident_octets())
        if self.count == self.expected:
            self.all_came.set()
        if self.holds_all:
            await self.all_came.wait()
        yield Outcome(UNNUMBERED, 0, Fate.DELIVERED, "2.0.0", 250)


def resident_octets() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4_096


async def fill(office: Office, queue: OutgoingStore, count: int) -> None:
    for _ in range(0, count, 250):
        items = [office.plain_item(len(CONTENT)) for _ in range(250)]
        entries = [Entry(office.sealer.seal_new(each, [CONTENT])) for each in items]
        await asyncio.gather(*(queue.accept([], None, each) for each in entries))


async def drain(office: Office, relay: RelayService, count: int) -> tuple[int, float]:
    """Let everything leave; return the most memory that was seen, and how long it took."""
    gateways = office.gateways
    assert isinstance(gateways, Counting)
    gateways.expect(count)
    begun = time.perf_counter()
    running = asyncio.get_running_loop().create_task(relay.run())
    await gateways.all_came.wait()
    await relay.settle()
    running.cancel()
    await asyncio.wait([running])
    return gateways.most_resident, time.perf_counter() - begun


async def drained(
    folder: Path, gateways: Counting, bounds: Bounds, *counts: int
) -> list[tuple[int, float]]:
    """Fill and drain a queue on disk, once for each of `counts`; return what `drain` did."""
    office = Office()
    office.gateways = gateways
    shelf = Shelf(folder, office.key).create()
    found = []
    async with shelf.running() as (store, _):
        office.keep_in(store.queue)
        office.restart(bounds)
        for count in counts:
            await fill(office, store.queue, count)
            found.append(await drain(office, office.relay, count))
            assert list(await store.queue.items(-1, 1)) == []
    return found


async def test_ten_thousand_messages_leave_in_the_memory_of_a_thousand(
    tmp_path: Path, figure: Figure
) -> None:
    found = await drained(tmp_path / "store", Counting(), Bounds(), SMALL, LONG)
    (small, _), (long, seconds) = found
    figure(
        f"{LONG} queued messages handed over at {LONG / seconds:.0f} a second;"
        f" {(long - small) / 1e6:+.1f} MB against {SMALL}"
    )
    assert long - small < MORE_OCTETS


async def test_memory_is_seen_to_grow_where_all_are_worked_on_at_once(tmp_path: Path) -> None:
    gateways = Counting()
    ((small, _),) = await drained(tmp_path / "bounded", gateways, Bounds(), SMALL)
    gateways.holds_all = True
    unbounded = Bounds(items=HELD, octets=1_000_000_000)
    ((held, _),) = await drained(tmp_path / "unbounded", gateways, unbounded, HELD)
    assert held - small > MORE_OCTETS
