# SPDX-License-Identifier: Apache-2.0
"""An Internet of plain values, for the services that deliver to it."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from eepost.wire.outward.hop import Hop, HopFailed, Letter
from eepost.wire.outward.route import (
    NO_DOMAIN,
    DnsFailed,
    Exchanger,
    Exchangers,
    Route,
)
from eepost.wire.outward.tlsa import Tlsa
from eepost.wire.outward.verdict import Verdict
from eepost.wire.transfer.messages import Fate

DELIVERED = Verdict(Fate.DELIVERED, "2.0.0", 250)


@dataclass
class Clock:
    """Time that passes only when told."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeDns:
    """Names and what stands there; a name that is `broken` gives no answer."""

    routes: dict[str, Route] = field(default_factory=dict)
    hosts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    records: dict[str, tuple[Tlsa, ...]] = field(default_factory=dict)
    txt: dict[str, tuple[str, ...]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    is_signed: bool = False

    def add(self, domain: str, *hosts: str) -> None:
        """Let `domain` take its mail at hosts, in this order, each at an address of its own."""
        exchangers = tuple(Exchanger(at, host) for at, host in enumerate(hosts))
        self.routes[domain] = Exchangers(exchangers, self.is_signed)
        for host in hosts:
            self.hosts.setdefault(host, (f"9.1.1.{len(self.hosts) + 1}",))

    async def route(self, domain: str) -> Route:
        return self.routes.get(domain, NO_DOMAIN)

    async def validated_addresses(self, host: str) -> tuple[tuple[str, ...], bool]:
        self._check(host)
        return self.hosts.get(host, ()), self.is_signed

    async def tlsa(self, host: str, port: int) -> tuple[Tlsa, ...]:
        self._check(f"_{port}._tcp.{host}")
        return self.records.get(host, ())

    async def texts(self, name: str) -> tuple[str, ...]:
        self._check(name)
        return self.txt.get(name, ())

    def in_ascii(self, domain: str) -> str | None:
        return domain if domain.isascii() else None

    def _check(self, name: str) -> None:
        if name in self.broken:
            raise DnsFailed


Answer = Callable[[Letter, int], Verdict | None]


@dataclass
class FakeHost:
    """What a host says; `refusal` turns everybody away, `answer` says it for each recipient."""

    refusal: Verdict | None = None
    answer: Answer = lambda letter, at: DELIVERED
    is_open_after: bool = True


@dataclass
class FakeConversation:
    """A session with a host."""

    host: FakeHost
    hop: Hop
    letters: list[tuple[Hop, Letter]]
    is_open: bool = True
    is_closed: bool = False

    async def send(self, letter: Letter) -> AsyncGenerator[tuple[int, Verdict], None]:
        self.letters.append((self.hop, letter))
        for at in range(len(letter.recipients)):
            verdict = self.host.answer(letter, at)
            if verdict is not None:
                yield at, verdict
        self.is_open = self.host.is_open_after

    async def close(self) -> None:
        self.is_closed = True


@dataclass
class FakeCouriers:
    """Hosts by name; one that is not there answers well."""

    hosts: dict[str, FakeHost] = field(default_factory=dict)
    opened: list[Hop] = field(default_factory=list)
    letters: list[tuple[Hop, Letter]] = field(default_factory=list)
    conversations: list[FakeConversation] = field(default_factory=list)

    async def open(self, hop: Hop) -> FakeConversation:
        self.opened.append(hop)
        host = self.hosts.setdefault(hop.host, FakeHost())
        if host.refusal is not None:
            raise HopFailed(host.refusal)
        conversation = FakeConversation(host, hop, self.letters)
        self.conversations.append(conversation)
        return conversation


@dataclass
class FakePolicyHosts:
    """Policy files by domain."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def fetch(self, domain: str) -> bytes | None:
        self.asked.append(domain)
        return self.files.get(domain)


def policy_file(*hosts: str, mode: str = "enforce", age: int = 3_600) -> bytes:
    lines = [f"version: STSv1\nmode: {mode}\nmax_age: {age}"]
    return "\n".join([*lines, *(f"mx: {host}" for host in hosts)]).encode()
