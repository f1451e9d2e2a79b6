# SPDX-License-Identifier: Apache-2.0
"""A post office in memory whose mail leaves by gateways that do what the test says."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from eepost.accounts.directory import Directory
from eepost.accounts.model import Account, State
from eepost.mail.address import Address
from eepost.mail.envelope import DEFAULT_NOTIFY, Notify
from eepost.maildrop.model import SealedMessage
from eepost.maildrop.sealing import Sealer
from eepost.queue.books import Entry
from eepost.queue.choice import LONGEST_PAUSE_SECONDS, PassedOver
from eepost.queue.item import Forward, Item
from eepost.queue.release import Departure
from eepost.queue.retry import RetryPlan
from eepost.queue.sealing import QueueSealer
from eepost.seal.startkey import StartKey
from eepost.services.mta.conversations import Conversations
from eepost.services.mta.local import LocalDelivery
from eepost.services.mta.opt_outs import OptOuts
from eepost.services.mta.ports import GatewayLost, OutgoingStore, Pieces
from eepost.services.mta.relay import Bounds, RelayService
from eepost.services.mta.relay_desk import RelayDesk
from eepost.services.mta.reports import Writer
from eepost.wire.transfer.messages import UNNUMBERED, Fate, Outcome, Relay
from tests.accounts.fakes import MemoryAccounts
from tests.contracts.samples import account, encapsulation
from tests.maildrop.fakes import MemoryMaildrops
from tests.queue.fakes import MemoryQueue, Shelf
from tests.queue.samples import NOON, chance
from tests.services.cleaning import CleanAtOnce

T = TypeVar("T")
INTERNAL, OFFICIAL = "mail.i2p", "post.example"
MESSAGE = (
    b"From: Alice <alice@mail.i2p>\r\nTo: bob@example.org, carol@mail.i2p\r\nSubject: Hi\r\n"
    b"Date: Mon, 23 Nov 2026 11:13:00 +0000\r\n"
    b"Message-ID: <" + b"a" * 32 + b"@post.example>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
    b"Hello\r\n"
)
DELIVERED, DEFERRED, FAILED = (
    (Fate.DELIVERED, "2.0.0", 250),
    (Fate.DEFERRED, "4.2.1", 450),
    (Fate.FAILED, "5.1.1", 550),
)
Answer = tuple[Fate, str, int]
# What a gateway answers for each recipient in order; an exception is raised at its place.
Script = Callable[[str, Relay], Sequence[Answer | Exception]]


def everybody(answer: Answer) -> Script:
    return lambda _, order: [answer] * len(order.recipients)


@dataclass
class Gateways:
    """Gateways by name; `script` says how they answer, `out` which are not reached."""

    names: list[str] = field(default_factory=lambda: ["amber"])
    script: Script = field(default_factory=lambda: everybody(DELIVERED))
    lost: set[str] = field(default_factory=set)
    orders: list[tuple[str, Relay, bytes]] = field(default_factory=list)
    arrived: Counter[str] = field(default_factory=Counter)  # recipients on the Internet
    answers_forever: bool = False
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def known(self) -> Sequence[str]:
        return self.names

    def working(self) -> Sequence[str]:
        return self.names

    async def relay(
        self, gateway: str, order: Relay, content: Pieces
    ) -> AsyncGenerator[Outcome, None]:
        await asyncio.sleep(0)
        if gateway in self.lost:
            raise GatewayLost
        octets = b"".join(content)
        assert len(octets) == order.octets
        self.orders.append((gateway, order, octets))
        self.heard.set()
        for at, answer in enumerate(self.script(gateway, order)):
            if isinstance(answer, Exception):
                raise answer
            if answer[0] is Fate.DELIVERED and at < len(order.recipients):
                self.arrived[order.recipients[at]] += 1
            yield Outcome(UNNUMBERED, at, *answer)
        if self.answers_forever:
            await asyncio.Event().wait()


class PlainSealer:
    """Seals nothing, so that tests can read maildrops."""

    def seal(
        self, owner: Account, pieces: Pieces, now_ns: int, thread_tags: Any = ()
    ) -> SealedMessage:
        sealed = encapsulation(owner)
        content = b"".join(pieces)
        return SealedMessage(
            sealed.number, owner.number, sealed, b"", len(content), [content], thread_tags
        )


class Office:
    """Alice sends; Carol is here too."""

    def __init__(self, shelf: Shelf | None = None, accounts: MemoryAccounts | None = None) -> None:
        self.now = float(NOON)
        self.uptime = 0.0
        self.faults: list[BaseException] = []
        self.gateways = Gateways()
        self.accounts = accounts or MemoryAccounts()
        if accounts is None:
            for name in ("alice", "carol"):
                self.accounts.add(account(name))
        self.maildrops = MemoryMaildrops(self.accounts, 100_000)
        self.queue = MemoryQueue(self.maildrops, shelf)
        self.kept: OutgoingStore = self.queue
        self.key = StartKey(b"k" * 32)
        self.draw = chance()
        self.sealer = QueueSealer(self.key, self.draw)
        self.opted_out: set[str] = set()
        self.cleaner = CleanAtOnce()
        self.restart()

    def keep_in(self, store: OutgoingStore) -> None:
        """Keep the queue in another store from the next start on."""
        self.kept = store

    def restart(self, bounds: Bounds | None = None) -> None:
        """Begin anew with what the store holds."""
        delivery = LocalDelivery(
            maildrops=self.maildrops,
            sealer=cast(Sealer, PlainSealer()),
            now_nanoseconds=lambda: 0,
            notice=lambda *_: [b"filling"],
            offload=self._offload,
        )
        self.desk = RelayDesk(
            store=self.kept,
            gateways=self.gateways,
            sealer=self.sealer,
            delivery=delivery,
            directory=Directory(self.accounts, self._offload, INTERNAL, [OFFICIAL]),
            conversations=Conversations(
                self.maildrops,
                key=lambda _: b"k",
                seal=lambda _, text: text,
                open_=lambda _, text: text,
            ),
            cleaner=self.cleaner,
            writer=Writer(INTERNAL, OFFICIAL, 432_000, self.draw),
            plan=RetryPlan(),
            passed_over=PassedOver(lambda: self.uptime),
            internal_domain=INTERNAL,
            official_domain=OFFICIAL,
            opt_outs=OptOuts(self.kept, lambda address: str(address).encode(), lambda: self.uptime),
            now=lambda: self.now,
            randomness=self.draw,
            pause=self._pause,
            fault=lambda _, error: self.faults.append(error),
        )
        self.relay = RelayService(self.desk, bounds or Bounds())

    async def _offload(self, work: Callable[[], T]) -> T:
        return work()

    async def _pause(self, _seconds: float) -> None:
        await asyncio.sleep(0)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.uptime += seconds

    async def accept(self, *forwards: Forward, content: bytes = MESSAGE, **more: Any) -> Item:
        """Put a message of Alice's into the queue, due now."""
        item = replace(self.plain_item(len(content)), **more)
        if forwards:
            item = replace(item, forwards=forwards)
        await self.queue.accept([], None, Entry(self.sealer.seal_new(item, [content])))
        return item

    def plain_item(self, size_octets: int) -> Item:
        """Return an item of Alice's for Bob, due now."""
        alice = self.accounts.find("alice")
        minute = int(self.now // 60)
        return Item(
            number=self.sealer.number(),
            owner=alice.number if alice else 0,
            name="alice",
            key=self.sealer.content_key(),
            size_octets=size_octets,
            accepted_utc=int(self.now),
            departure=Departure.AT_ONCE,
            departs=minute,
            due=minute,
            forwards=(to("bob"),),
        )

    async def turn(self) -> None:
        """Let everything leave that is due, and wait for it."""
        await self.relay.turn()
        await self.relay.settle()
        if self.faults:
            raise self.faults[0]

    async def next_attempt(self) -> Item | None:
        """Go to the next item's time, let it leave, and return what is left of it."""
        due = min(each.due for each in self.queue.shelf.items.values())
        self.pass_time(max(0.0, due * 60 - self.now))
        self.uptime += LONGEST_PAUSE_SECONDS  # nothing is passed over any more
        if not self.desk.usable():
            self.pass_time(self.desk.plan.cut_seconds)
        await self.turn()
        return self.left()

    def left(self) -> Item | None:
        """Return the one item that waits."""
        items = [self.sealer.open(each) for each in self.queue.shelf.items.values()]
        assert len(items) <= 1
        return items[0] if items else None

    async def mail(self, name: str) -> list[bytes]:
        """Return what lies in a maildrop."""
        owner = self.accounts.find(name)
        assert owner is not None
        numbers = [each.number for each in await self.maildrops.snapshot(owner.number)]
        return list((await self.maildrops.fetch(owner.number, numbers)).values())

    def prefer(self, name: str, **wishes: Any) -> None:
        before = self.accounts.find(name)
        assert before is not None
        preferences = replace(before.preferences, **wishes)
        self.accounts.replace(replace(before, preferences=preferences), before)

    def disable(self, name: str, state: State = State.DISABLED) -> None:
        before = self.accounts.find(name)
        assert before is not None
        self.accounts.replace(replace(before, state=state), before)


def to(name: str, notify: Notify = DEFAULT_NOTIFY, **more: Any) -> Forward:
    """Return a recipient on the Internet, or here where `is_local`."""
    domain = INTERNAL if more.get("is_local") else "example.org"
    return Forward(Address(name, domain), notify, **more)
