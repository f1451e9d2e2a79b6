# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass, field

import pytest

from eepost.services.gateway.policies import MAX_DOMAINS, PAUSE_SECONDS, Policies
from tests.services.gateway.outward import Clock, FakeDns, FakePolicyHosts, policy_file

NAME = "_mta-sts.far.example"


@dataclass
class Desk:
    dns: FakeDns = field(default_factory=FakeDns)
    hosts: FakePolicyHosts = field(default_factory=FakePolicyHosts)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.policies = Policies(self.dns, self.hosts, self.clock)
        self.dns.txt[NAME] = ("v=STSv1; id=1",)
        self.hosts.files["far.example"] = policy_file("mx.far.example")

    async def hosts_of(self) -> tuple[str, ...] | None:
        policy = await self.policies.find("far.example")
        return policy.hosts if policy else None


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_policy_is_fetched_once_and_kept_for_its_age(desk: Desk) -> None:
    for _ in range(3):
        assert await desk.hosts_of() == ("mx.far.example",)
    assert desk.hosts.asked == ["far.example"]
    desk.clock.now += 3_601
    assert await desk.hosts_of() == ("mx.far.example",)
    assert desk.hosts.asked == ["far.example"] * 2


async def test_domain_without_a_record_is_never_asked_for_a_policy(desk: Desk) -> None:
    desk.dns.txt.clear()
    assert await desk.hosts_of() is None
    assert desk.hosts.asked == []


async def test_new_identifier_brings_a_new_policy(desk: Desk) -> None:
    await desk.hosts_of()
    desk.dns.txt[NAME] = ("v=STSv1; id=2",)
    desk.hosts.files["far.example"] = policy_file("new.far.example")
    assert await desk.hosts_of() == ("new.far.example",)


@pytest.mark.parametrize("attack", ["record away", "dns away", "host away", "host lies"])
async def test_known_policy_holds_whoever_takes_it_away(desk: Desk, attack: str) -> None:
    await desk.hosts_of()
    if attack == "record away":
        desk.dns.txt.clear()
    elif attack == "dns away":
        desk.dns.broken.add(NAME)
    else:
        desk.dns.txt[NAME] = ("v=STSv1; id=2",)
        desk.hosts.files["far.example"] = b"" if attack == "host lies" else b"not found"
    assert await desk.hosts_of() == ("mx.far.example",)
    desk.clock.now += 3_601
    assert await desk.hosts_of() is None


async def test_host_that_gives_nothing_is_left_alone_for_a_while(desk: Desk) -> None:
    desk.hosts.files.clear()
    for _ in range(3):
        assert await desk.hosts_of() is None
    assert len(desk.hosts.asked) == 1
    desk.clock.now += PAUSE_SECONDS
    desk.hosts.files["far.example"] = policy_file("mx.far.example")
    assert await desk.hosts_of() == ("mx.far.example",)


async def test_no_more_domains_than_the_most_are_remembered(desk: Desk) -> None:
    for at in range(MAX_DOMAINS + 10):
        desk.dns.txt[f"_mta-sts.d{at}.example"] = ("v=STSv1; id=1",)
        await desk.policies.find(f"d{at}.example")
    assert len(desk.policies._known) == MAX_DOMAINS
