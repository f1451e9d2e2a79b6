# SPDX-License-Identifier: Apache-2.0
"""How long an answer of the DNS is remembered: for a batch, and no longer than it says."""

from types import SimpleNamespace
from typing import Any

import dns.resolver
import pytest

from eepost.net.dns import MAX_REMEMBERED, REMEMBERED_SECONDS, Dns, NoSuchName
from eepost.net.listeners import parse_endpoint


class Records(list[str]):
    ttl = 3_600


class Resolver:
    """Answers with what it is told to, and counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.records: Records | None = Records(["record"])
        self.exists = True

    async def resolve(self, _name: Any, _kind: str, **_: Any) -> Any:
        self.asked += 1
        if not self.exists:
            raise dns.resolver.NXDOMAIN
        return SimpleNamespace(rrset=self.records, response=SimpleNamespace(flags=0))


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def far() -> tuple[Dns, Resolver, Clock]:
    clock, resolver = Clock(), Resolver()
    found = Dns(parse_endpoint("127.0.0.1:53"), 1.0, clock)
    found._resolver = resolver  # type: ignore[assignment]
    return found, resolver, clock


async def test_a_batch_to_one_domain_asks_once(far: tuple[Dns, Resolver, Clock]) -> None:
    found, resolver, clock = far
    for _ in range(100):
        assert (await found.ask("far.example", "MX")).records == ("record",)
    assert resolver.asked == 1
    await found.ask("far.example", "A")
    assert resolver.asked == 2
    clock.now += REMEMBERED_SECONDS
    await found.ask("far.example", "MX")
    assert resolver.asked == 3


async def test_an_answer_is_not_remembered_for_longer_than_it_says(
    far: tuple[Dns, Resolver, Clock],
) -> None:
    found, resolver, clock = far
    short = Records(["short"])
    short.ttl = 2
    resolver.records = short
    await found.ask("far.example", "A")
    clock.now += 2
    await found.ask("far.example", "A")
    assert resolver.asked == 2


async def test_what_is_not_there_is_remembered_too(far: tuple[Dns, Resolver, Clock]) -> None:
    found, resolver, _ = far
    resolver.exists = False
    for _ in range(3):
        with pytest.raises(NoSuchName):
            await found.ask("gone.example", "MX")
    resolver.exists, resolver.records = True, None
    for _ in range(3):
        assert (await found.ask("empty.example", "MX")).records == ()
    assert resolver.asked == 2


async def test_what_is_remembered_is_bounded(far: tuple[Dns, Resolver, Clock]) -> None:
    found, _, _ = far
    for number in range(3 * MAX_REMEMBERED):
        await found.ask(f"host{number}.example", "A")
    assert len(found._remembered) <= MAX_REMEMBERED
