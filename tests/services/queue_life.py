# SPDX-License-Identifier: Apache-2.0
"""Any order of what can happen to mail that waits, as a machine for hypothesis.

What it holds: a recipient of an accepted message gets it, or its sender hears that he did not;
nothing is ever silently gone; nobody gets it twice but for a gateway or a post office that died
with his outcome in its hands; a sender hears of a message at most once before its end and once
at it; and in the end nothing waits.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncGenerator, Coroutine, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from eepost.accounts.model import State as Standing
from eepost.mail.envelope import Notify
from eepost.maildrop.model import SealedMessage
from eepost.maildrop.ports import Outcome as Kept
from eepost.queue.books import Move, Superseded
from eepost.queue.item import Item, State
from eepost.queue.lifecycle import hold, retry
from eepost.queue.release import Departure, departs_at
from eepost.queue.sealing import StoredItem
from eepost.services.mta.ports import GatewayLost, Pieces
from eepost.wire.transfer.messages import UNNUMBERED, Fate, Outcome, Relay
from tests.queue.fakes import MemoryQueue
from tests.services.relaying import Gateways, Office, to

T = TypeVar("T")
DAY = 86_400.0
NAMES = ("amber", "birch")


class Crash(BaseException):
    """The post office dies here."""


# What happens to one recipient at the gateway. "arrives, then ..." is what costs a duplicate.
STEPS = (
    "delivered",
    "deferred",
    "failed",
    "lost",
    "arrives, then lost",
    "crash",
    "arrives, then crash",
    "crash before the commit",
    "crash after the commit",
    "store down",
    "clock back",
    "clock ahead",
)
TROUBLES = ("all gateways lost", "no gateway known", "sender disabled", "maildrops full")
FATES = {"deferred": (Fate.DEFERRED, "4.2.0"), "failed": (Fate.FAILED, "5.1.1")}


class Queue(MemoryQueue):
    """A store whose process may die before or after a commit."""

    dies = ""

    async def move(self, move: Move, messages: Sequence[SealedMessage] = ()) -> Kept | Superseded:
        dies, self.dies = self.dies, ""
        if dies == "before":
            raise Crash
        outcome = await super().move(move, messages)
        if dies == "after":
            raise Crash
        return outcome


class FaultyGateways(Gateways):
    """Gateways that go by `steps`, then deliver."""

    office: "FaultyOffice"
    steps: list[str]
    may_arrive_again: Counter[str]

    async def relay(
        self, gateway: str, order: Relay, content: Pieces
    ) -> AsyncGenerator[Outcome, None]:
        await asyncio.sleep(0)
        if gateway in self.lost:
            raise GatewayLost
        last, is_complete = "", False
        try:
            for at, recipient in enumerate(order.recipients):
                step = self.steps.pop(0) if self.steps else "delivered"
                if self._arrives(step):
                    self.arrived[recipient] += 1
                    last = recipient
                self._befall(step)
                yield Outcome(UNNUMBERED, at, *FATES.get(step, (Fate.DELIVERED, "2.0.0")), 0)
                last = ""  # whoever asks for the next outcome has kept this one
            is_complete = True
        finally:
            if last and not is_complete:
                self.may_arrive_again[last] += 1

    def _arrives(self, step: str) -> bool:
        return step not in FATES and step not in {"lost", "crash"}

    def _befall(self, step: str) -> None:
        match step:
            case "lost" | "arrives, then lost":
                raise GatewayLost
            case "crash" | "arrives, then crash":
                raise Crash
            case "crash before the commit" | "crash after the commit":
                self.office.faulty.dies = step.split()[1]
            case "store down":
                self.office.queue.is_unavailable = True
            case "clock back":
                self.office.now -= 3 * DAY
            case "clock ahead":
                self.office.now += 3 * DAY
            case _:
                pass


class FaultyOffice(Office):
    """An office whose gateways and store go by the machine's rules."""

    def __init__(self) -> None:
        super().__init__()
        self.faulty = Queue(self.maildrops, self.queue.shelf)
        self.queue = self.faulty
        self.keep_in(self.faulty)
        gateways = FaultyGateways(list(NAMES))
        gateways.office, gateways.steps, gateways.may_arrive_again = self, [], Counter()
        self.gateways = self.broken = gateways
        self.maildrops._limit_octets = 10_000_000
        self.restart()

    async def _pause(self, _seconds: float) -> None:
        self.queue.is_unavailable = False
        await asyncio.sleep(0)


def _something_waits(machine: Any) -> bool:
    return bool(machine.office.queue.shelf.items)


class QueueLife(RuleBasedStateMachine):
    """Rules in any order; `teardown` heals everything and waits for the end."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.notify: dict[str, Notify] = {}
        self.messages: dict[int, list[str]] = {}  # item -> its recipients
        self.cancelled: set[str] = set()
        self.accepted = 0

    @initialize()
    def begin(self) -> None:
        self.office = FaultyOffice()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    # What people do.

    @rule(
        notify=st.lists(
            st.sampled_from(
                [Notify.FAILURE | Notify.DELAY, Notify.NEVER, Notify.SUCCESS | Notify.FAILURE]
            ),
            min_size=1,
            max_size=3,
        ),
        departure=st.sampled_from(Departure),
        has_local_copy=st.booleans(),
    )
    def accept(self, notify: list[Notify], departure: Departure, has_local_copy: bool) -> None:
        names = [f"r{self.accepted}-{at}" for at in range(len(notify))]
        self.accepted += 1
        forwards = [to(name, each) for name, each in zip(names, notify, strict=True)]
        if has_local_copy:
            forwards.append(to("carol", is_local=True))
        office = self.office
        departs = departs_at(departure, office.now, office.relay.last_batch, office.draw)
        item = self.run(office.accept(*forwards, departure=departure, departs=departs, due=departs))
        addresses = [f"{name}@example.org" for name in names]
        self.messages[item.number] = addresses
        self.notify.update(zip(addresses, notify, strict=True))

    @precondition(_something_waits)
    @rule(seconds=st.sampled_from([1.0, 61.0, 600.0, 4_000.0, DAY / 2, DAY]))
    def wait(self, seconds: float) -> None:
        self.office.pass_time(seconds)

    @precondition(_something_waits)
    @rule(days=st.sampled_from([-400.0, -1.0, -0.01, 0.01, 1.0, 400.0]))
    def set_the_clock(self, days: float) -> None:
        self.office.now = max(0.0, self.office.now + days * DAY)

    @rule(trouble=st.sampled_from(("none",) * 6 + ("one gateway lost",) * 2 + TROUBLES))
    def begin_or_end_trouble(self, trouble: str) -> None:
        office = self.office
        office.broken.lost = {
            "one gateway lost": {"amber"},
            "all gateways lost": set(NAMES),
        }.get(trouble, set())
        office.broken.names = [] if trouble == "no gateway known" else list(NAMES)
        enabled = trouble != "sender disabled"
        office.disable("alice", Standing.ENABLED if enabled else Standing.DISABLED)
        office.maildrops._limit_octets = 0 if trouble == "maildrops full" else 10_000_000

    @precondition(_something_waits)
    @rule(choice=st.integers(0, 9), change=st.sampled_from([hold, "retry", None]))
    def let_the_operator_act(self, choice: int, change: Any) -> None:
        stored = self._pick(choice)
        if stored is None or stored.lease > self.office.now // 60:
            return
        item = self.office.sealer.open(stored)
        if change is None:
            self.cancelled.update(self.messages[item.number])
            self.run(self.office.queue.move(Move(stored, None)))
            return
        changed = retry(item, self.office.now) if change == "retry" else hold(item)
        self.run(self.office.queue.move(Move(stored, self.office.sealer.seal(changed))))

    # What happens to it.

    @precondition(_something_waits)
    @rule(steps=st.lists(st.sampled_from(STEPS[:3]), max_size=4))
    def leave_at_its_time(self, steps: list[str]) -> None:
        items = self.office.queue.shelf.items.values()
        wait = min((each.due * 60 - self.office.now for each in items), default=0.0)
        self.office.pass_time(max(0.0, wait) if wait < 3 * DAY else 0.0)
        self.leave(steps)

    @precondition(_something_waits)
    @rule(steps=st.lists(st.sampled_from(STEPS), max_size=6))
    def leave(self, steps: list[str]) -> None:
        self.office.broken.steps = list(steps)
        self.run(self._leave())
        self.office.broken.steps = []
        self.office.queue.is_unavailable = False

    @rule()
    def start_again(self) -> None:
        self.run(self.office.relay.stop())
        self.office.faulty.dies = ""
        self.office.restart()
        self.run(self.office.relay.prepare())

    async def _leave(self) -> None:
        await self.office.relay.turn()
        tasks = list(self.office.relay._tasks.values())
        if not tasks:
            return
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        if any(isinstance(each.exception(), Crash) for each in done if not each.cancelled()):
            await self.office.relay.stop()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.office.queue.is_unavailable = False
            self.office.faulty.dies = ""
            self.office.restart()
            await self.office.relay.prepare()

    # What always holds.

    @invariant()
    def nothing_is_silently_gone(self) -> None:
        if not self.messages:
            return
        told = self._told()
        for number, recipients in self.messages.items():
            item = self._item(number)
            for each in recipients:
                if each in self.cancelled or self.office.broken.arrived[each]:
                    continue
                if item is not None and not self._is_over(item, each):
                    continue
                wants = Notify.FAILURE in self.notify[each]
                assert item is not None or not wants or told[each, "failed"], f"{each} is gone"

    @invariant()
    def nobody_gets_more_than_the_promised_duplicates(self) -> None:
        for each, times in self._gateways().arrived.items():
            assert times <= 1 + self._gateways().may_arrive_again[each], f"{each} got {times}"

    @invariant()
    def a_sender_hears_of_a_message_once_before_its_end_and_once_at_it(self) -> None:
        told = self._told()
        for each in self.notify:
            assert told[each, "delayed"] <= 1
            assert told[each, "failed"] + told[each, "relayed"] <= 1

    @invariant()
    def no_fault_is_met(self) -> None:
        assert getattr(self, "office", None) is None or self.office.faults == []

    def teardown(self) -> None:
        try:
            if hasattr(self, "office"):
                self._see_it_through()
        finally:
            self.loop.close()

    def _see_it_through(self) -> None:
        self._heal()
        for _ in range(500):
            if not self.office.queue.shelf.items:
                break
            self.run(self._next_attempt())
        assert self.office.queue.shelf.items == {}, "something waits for ever"
        self.nothing_is_silently_gone()
        self.nobody_gets_more_than_the_promised_duplicates()
        self.a_sender_hears_of_a_message_once_before_its_end_and_once_at_it()

    async def _next_attempt(self) -> None:
        self.office.pass_time(3_600)
        await self.office.turn()

    def _heal(self) -> None:
        self.start_again()
        gateways = self.office.broken
        gateways.names, gateways.lost, gateways.steps = list(NAMES), set(), []
        self.office.maildrops._limit_octets = 10_000_000
        self.office.disable("alice", Standing.ENABLED)
        for stored in list(self.office.queue.shelf.items.values()):
            item = self.office.sealer.open(stored)
            if item.is_held:
                released = self.office.sealer.seal(retry(item, self.office.now))
                self.run(self.office.queue.move(Move(stored, released)))

    def _gateways(self) -> FaultyGateways:
        office = getattr(self, "office", None)
        return office.broken if office else _NOBODY

    def _pick(self, choice: int) -> StoredItem | None:
        items = list(self.office.queue.shelf.items.values())
        return items[choice % len(items)] if items else None

    def _item(self, number: int) -> Item | None:
        stored = self.office.queue.shelf.items.get(number)
        return self.office.sealer.open(stored) if stored else None

    def _is_over(self, item: Item, address: str) -> bool:
        states = [each.state for each in item.forwards if str(each.address) == address]
        return states != [State.WAITING]

    def _told(self) -> Counter[tuple[str, str]]:
        """Count what reports said: (recipient, action)."""
        told: Counter[tuple[str, str]] = Counter()
        if hasattr(self, "office"):
            for report in self.run(self.office.mail("alice")):
                found = re.findall(rb"rfc822; (\S+)\r\nAction: (\w+)\r\n", report)
                told.update((who.decode(), action.decode()) for who, action in found)
        return told


_NOBODY = FaultyGateways()
_NOBODY.may_arrive_again = Counter()
