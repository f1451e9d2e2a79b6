# SPDX-License-Identifier: Apache-2.0
"""A core, parcels and a clock in memory, and one peer that talks to reception."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eepost.mail.header import Header
from eepost.mail.reply import Reply
from eepost.seal.keypair import PrivateKey, PublicKey
from eepost.seal.parcel import open_parcel
from eepost.services.gateway.authentication.check import ChecksBusy, Sender, Verdict
from eepost.services.gateway.authentication.spf import SpfVerdict
from eepost.services.gateway.reception.core import (
    CoreDeclined,
    CoreUnreachable,
    Pieces,
)
from eepost.services.gateway.reception.gate import Caller, Gate
from eepost.services.gateway.reception.handover import Handover
from eepost.services.gateway.reception.rates import Rates
from eepost.services.gateway.reception.replies import greeting
from eepost.services.gateway.reception.session import Desk, Reception
from eepost.wire.signals import Signal
from eepost.wire.smtp.limits import SmtpLimits
from eepost.wire.smtp.server import SmtpServer
from eepost.wire.smtp.service import exchanger
from eepost.wire.transfer.kept import KeptEnvelope, read_kept
from eepost.wire.transfer.messages import Incoming, Standing, Taken
from eepost.wire.transit import Transit
from tests.services.cleaning import CleanAtOnce

HOST = "mx.example.org"
OFFICIAL = "example.org"
PRIVATE = PrivateKey(bytes(range(96)))
PEER = "192.0.2.1"


@dataclass
class Clock:
    """Seconds that pass when told to."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeCore:
    """Has alice, and full; `state` says how it behaves."""

    state: str = "there"  # away, busy, silent, refusing, repeating
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    taken: list[tuple[Incoming, bytes]] = field(default_factory=list)
    standings: dict[str, Standing] = field(
        default_factory=lambda: {
            "alice@example.org": Standing.WELCOME,
            "bob@example.org": Standing.WELCOME,
            "full@example.org": Standing.LATER,
            "postmaster@example.org": Standing.WELCOME,
            "postmaster": Standing.WELCOME,
        }
    )

    async def standing(self, recipient: str, reverse_path: str, peer: bytes) -> Standing:
        await self._behave()
        self.asked.append((recipient, reverse_path, peer))
        return self.standings.get(recipient, Standing.UNKNOWN)

    async def take(self, order: Incoming, content: Pieces) -> Taken:
        self.taken.append((order, b"".join(map(bytes, content))))
        await self._behave()
        standings = tuple(self.standings.get(r, Standing.UNKNOWN) for r in order.recipients)
        return Taken(order.exchange, standings, is_refused=self.state == "refusing")

    async def _behave(self) -> None:
        if self.state == "away":
            raise CoreUnreachable
        if self.state == "busy":
            raise CoreDeclined
        if self.state == "silent":
            await asyncio.Event().wait()


@dataclass
class MemoryParcels:
    """Parcels in memory. `fails` lets the disk fail."""

    room: int = 10
    fails: bool = False
    held: dict[bytes, bytes] = field(default_factory=dict)
    ages: dict[bytes, float] = field(default_factory=dict)

    async def put(self, transfer: bytes, parcel: Sequence[bytes]) -> bool:
        if self.fails:
            raise OSError
        if len(self.held) >= self.room:
            return False
        self.held[transfer] = b"".join(parcel)
        return True

    async def oldest(self, count: int) -> Sequence[bytes]:
        return sorted(self.held, key=self.age_seconds, reverse=True)[:count]

    async def get(self, transfer: bytes) -> bytes | None:
        return self.held.get(transfer)

    def age_seconds(self, transfer: bytes) -> float:
        return self.ages.get(transfer, 0.0)

    async def remove(self, transfer: bytes) -> None:
        self.held.pop(transfer, None)

    def opened(self) -> list[tuple[KeptEnvelope, bytes]]:
        return [read_kept(open_parcel(PRIVATE, each)) for each in self.held.values()]


@dataclass
class Stage:
    """One peer's conversation with reception."""

    core: FakeCore = field(default_factory=FakeCore)
    parcels: MemoryParcels = field(default_factory=MemoryParcels)
    clock: Clock = field(default_factory=Clock)
    # None: no place to look into a message is free.
    verdict: Verdict | None = field(default_factory=lambda: Verdict(SpfVerdict("none")))
    key: PublicKey | None = field(default_factory=lambda: PRIVATE.public_key)
    senders: list[Sender] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)  # to Gate, Handover or Desk, by name
    is_welcome: bool = True

    def __post_init__(self) -> None:
        gate = Gate(
            frozenset((HOST, OFFICIAL)),
            self.given.get("rates") or Rates(100, 100, self.clock),
            **{k: v for k, v in self.given.items() if k in _OF_GATE},
        )
        handover = Handover(
            self.core,
            self.parcels,
            lambda: self.key,
            os.urandom,
            **{k: v for k, v in self.given.items() if k in _OF_HANDOVER},
        )
        self.desk = Desk(
            HOST,
            greeting(HOST),
            frozenset((OFFICIAL, "old.example.net")),
            gate,
            self.core,
            handover,
            self._authenticate,
            CleanAtOnce(self.given.get("cannot_clean")),
            self.given.get("transit") or Transit(10_000_000),
            lambda: SmtpServer(SmtpLimits(), HOST, exchanger("Help", offers_tls=True)),
            os.urandom,
            refuses_spf_fail=self.given.get("refuses_spf_fail", True),
        )
        self.session = Reception(self.desk, Caller(PEER, b"network"), self.is_welcome)
        self.faults = 0

    async def _authenticate(
        self, _message: bytes, _header: Header, sender: Sender, network: bytes | None
    ) -> Verdict:
        assert network == b"network"
        self.senders.append(sender)
        if self.verdict is None:
            raise ChecksBusy
        return self.verdict

    async def say(self, octets: bytes) -> str:
        """Send `octets` and return what comes back."""
        if octets:
            self.session.engine.receive(octets)
        engine = self.session.engine
        while not isinstance(event := engine.next_event(), Signal):
            try:
                answer = self.session.respond(event)
                replies = answer if isinstance(answer, tuple) else await answer
            except Exception:
                self.faults += 1
                replies = self.session.fault(event)
            for reply in replies:
                assert isinstance(reply, Reply)
                engine.decide(reply)
        return engine.outgoing().decode()

    async def send(
        self,
        message: bytes,
        recipients: Sequence[str] = ("alice@example.org",),
        sender: str = "bob@peer.example",
    ) -> list[str]:
        """Say everything that brings a message, and return the replies from MAIL on."""
        await self.say(b"")
        await self.say(b"EHLO mail.peer.example\r\n")
        replies = [await self.say(f"MAIL FROM:<{sender}>\r\n".encode())]
        for each in recipients:
            replies.append(await self.say(f"RCPT TO:<{each}>\r\n".encode()))
        replies.append(await self.say(b"DATA\r\n"))
        if replies[-1].startswith("354"):
            replies[-1] = await self.say(message + b".\r\n")
        return replies


_OF_GATE = ("greylist", "block_lists", "addresses_of")
_OF_HANDOVER = ("keeps_everything", "answer_seconds")
