# SPDX-License-Identifier: Apache-2.0
import asyncio

import pytest

from eepost.services.gateway import recent
from eepost.services.gateway.recent import RECENT_SECONDS, RecentDns
from eepost.wire.outward.route import DnsFailed
from tests.services.gateway.outward import Clock, FakeDns


class CountedDns(FakeDns):
    asked = 0

    async def texts(self, name: str) -> tuple[str, ...]:
        self.asked += 1
        await asyncio.sleep(0)
        return await super().texts(name)


@pytest.fixture
def dns() -> CountedDns:
    dns = CountedDns()
    dns.txt["far.example"] = ("one",)
    return dns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def under_test(dns: CountedDns, clock: Clock) -> RecentDns:
    return RecentDns(dns, clock)


async def test_answer_is_good_for_some_seconds(
    under_test: RecentDns, dns: CountedDns, clock: Clock
) -> None:
    for _ in range(3):
        assert await under_test.texts("far.example") == ("one",)
    assert dns.asked == 1
    clock.now += RECENT_SECONDS
    dns.txt["far.example"] = ("two",)
    assert await under_test.texts("far.example") == ("two",)


async def test_who_asks_the_same_at_once_shares_one_question(
    under_test: RecentDns, dns: CountedDns
) -> None:
    answers = await asyncio.gather(*(under_test.texts("far.example") for _ in range(20)))
    assert answers == [("one",)] * 20
    assert dns.asked == 1


async def test_one_who_gives_up_takes_the_answer_from_nobody(
    under_test: RecentDns, dns: CountedDns
) -> None:
    asking = [asyncio.create_task(under_test.texts("far.example")) for _ in range(2)]
    await asyncio.sleep(0)
    asking[0].cancel()
    assert await asking[1] == ("one",)


async def test_failure_is_not_remembered(under_test: RecentDns, dns: CountedDns) -> None:
    dns.broken.add("far.example")
    failures = await asyncio.gather(
        *(under_test.texts("far.example") for _ in range(3)), return_exceptions=True
    )
    assert [type(each) for each in failures] == [DnsFailed] * 3
    dns.broken.clear()
    assert await under_test.texts("far.example") == ("one",)


async def test_questions_of_different_kinds_are_different(under_test: RecentDns) -> None:
    under_test.dns.add("far.example", "far.example")  # type: ignore[attr-defined]
    assert await under_test.texts("far.example") == ("one",)
    assert (await under_test.validated_addresses("far.example"))[0] == ("9.1.1.1",)
    assert await under_test.tlsa("far.example", 25) == ()
    assert under_test.in_ascii("far.example") == "far.example"
    assert await under_test.route("far.example") == under_test.dns.routes["far.example"]  # type: ignore[attr-defined]


async def test_no_more_answers_than_the_most_are_kept(
    under_test: RecentDns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "MAX_ANSWERS", 5)
    for at in range(20):
        await under_test.texts(f"d{at}.example")
    assert len(under_test._answers) == 5
