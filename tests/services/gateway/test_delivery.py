# SPDX-License-Identifier: Apache-2.0
import asyncio
from dataclasses import dataclass, field

import pytest

from eepost.services.gateway.conversations import Conversations
from eepost.services.gateway.delivery import MAX_HOPS, Bounds, Delivery
from eepost.services.gateway.policies import Policies
from eepost.wire.outward.hop import Letter, Need
from eepost.wire.outward.route import LOOPS, NO_ANSWER, NULL_MX
from eepost.wire.outward.tlsa import Tlsa
from eepost.wire.outward.verdict import (
    CONGESTED,
    NOT_SECURE,
    UNREACHABLE,
    UNSURE,
    Verdict,
    deferred,
    failed,
)
from tests.services.gateway.outward import (
    DELIVERED,
    Clock,
    FakeCouriers,
    FakeDns,
    FakeHost,
    FakePolicyHosts,
    policy_file,
)

OWN_ADDRESS = "9.9.9.9"
BUSY = deferred("4.3.2", 421, ask_elsewhere=True)
GREY = deferred("4.7.1", 451, ask_elsewhere=True)
NOBODY = failed("5.1.1", 550)


@dataclass
class Desk:
    dns: FakeDns = field(default_factory=FakeDns)
    couriers: FakeCouriers = field(default_factory=FakeCouriers)
    hosts: FakePolicyHosts = field(default_factory=FakePolicyHosts)
    clock: Clock = field(default_factory=Clock)
    bounds: Bounds = field(default_factory=Bounds)

    def __post_init__(self) -> None:
        self.delivery = Delivery(
            own_host="mx.own.example",
            dns=self.dns,
            policies=Policies(self.dns, self.hosts, self.clock),
            conversations=Conversations(self.couriers, self.clock),
            chance=lambda: 0.5,
            own_addresses=lambda: frozenset({OWN_ADDRESS}),
            bounds=self.bounds,
        )

    async def send(self, *names: str, domain: str = "far.example") -> dict[str, Verdict]:
        letter = Letter("a@own.example", tuple(f"{name}@{domain}" for name in names), b"x")
        told = [each async for each in self.delivery.deliver(domain, letter)]
        assert len(told) == len(dict(told)), "nobody is told of twice"
        return {names[at]: verdict for at, verdict in told}

    def asked(self) -> list[str]:
        return [hop.host for hop in self.couriers.opened]


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.dns.add("far.example", "one", "two", "three")
    return desk


async def test_first_host_that_takes_it_is_the_last_that_is_asked(desk: Desk) -> None:
    assert await desk.send("bob", "carol") == {"bob": DELIVERED, "carol": DELIVERED}
    assert desk.asked() == ["one"]


async def test_next_host_is_asked_where_one_can_not_be_talked_to(desk: Desk) -> None:
    desk.couriers.hosts["one"] = FakeHost(refusal=UNREACHABLE)
    desk.couriers.hosts["two"] = FakeHost(refusal=BUSY)
    assert await desk.send("bob") == {"bob": DELIVERED}
    assert desk.asked() == ["one", "two", "three"]
    assert desk.delivery.counts.hops_failed == 2


async def test_last_word_counts_where_all_hosts_put_it_off(desk: Desk) -> None:
    for host in ("one", "two", "three"):
        desk.couriers.hosts[host] = FakeHost(answer=lambda *_: GREY)
    desk.couriers.hosts["three"] = FakeHost(refusal=BUSY)
    assert await desk.send("bob") == {"bob": BUSY}


async def test_recipients_are_kept_apart_and_only_who_is_left_goes_on(desk: Desk) -> None:
    first = {"bob@far.example": DELIVERED, "nobody@far.example": NOBODY}
    desk.couriers.hosts["one"] = FakeHost(
        answer=lambda letter, at: first.get(letter.recipients[at], GREY)
    )
    told = await desk.send("nobody", "grey", "bob")
    assert told == {"nobody": NOBODY, "bob": DELIVERED, "grey": DELIVERED}
    assert [letter.recipients for _, letter in desk.couriers.letters] == [
        ("nobody@far.example", "grey@far.example", "bob@far.example"),
        ("grey@far.example",),
    ]


async def test_no_other_host_gets_a_message_that_one_may_have_taken(desk: Desk) -> None:
    desk.couriers.hosts["one"] = FakeHost(answer=lambda *_: UNSURE)
    assert await desk.send("bob") == {"bob": UNSURE}
    assert desk.asked() == ["one"]


@pytest.mark.parametrize(
    ("route", "verdict"),
    [
        (NULL_MX, failed("5.1.10")),
        (NO_ANSWER, deferred("4.4.3")),
        (LOOPS, failed("5.4.6")),
    ],
)
async def test_domain_without_a_way_is_told_of_at_once(
    desk: Desk, route: object, verdict: Verdict
) -> None:
    desk.dns.routes["far.example"] = route  # type: ignore[assignment]
    assert await desk.send("bob", "carol") == {"bob": verdict, "carol": verdict}
    assert desk.asked() == []


async def test_host_that_is_ourselves_by_name_is_never_asked_nor_what_comes_after_it(
    desk: Desk,
) -> None:
    desk.dns.add("far.example", "mx.own.example", "two")
    assert await desk.send("bob") == {"bob": failed("5.4.6")}
    assert desk.asked() == []


@pytest.mark.parametrize(
    ("address", "status"), [(OWN_ADDRESS, "5.4.6"), ("127.0.0.1", "5.4.4"), ("10.0.0.1", "5.4.4")]
)
async def test_address_that_leads_back_or_inside_is_never_dialled(
    desk: Desk, address: str, status: str
) -> None:
    for host in ("one", "two", "three"):
        desk.dns.hosts[host] = (address,)
    told = await desk.send("bob")
    assert (told["bob"].fate.value, told["bob"].status) == ("failed", status)
    assert desk.asked() == []


async def test_host_without_an_address_makes_nothing_final_while_another_is_only_away(
    desk: Desk,
) -> None:
    for order in (("one", "two"), ("two", "one")):
        desk.dns.add("far.example", *order)
        desk.dns.hosts["one"] = ()
        desk.couriers.hosts["two"] = FakeHost(refusal=UNREACHABLE)
        assert await desk.send("bob") == {"bob": UNREACHABLE}


async def test_host_whose_addresses_can_not_be_asked_for_is_tried_again_later(desk: Desk) -> None:
    desk.dns.broken |= {"one", "two", "three"}
    assert (await desk.send("bob"))["bob"].status == "4.4.3"


async def test_no_more_addresses_than_the_most_are_tried(desk: Desk) -> None:
    for host in ("one", "two", "three"):
        desk.dns.hosts[host] = tuple(f"9.2.{len(host)}.{at}" for at in range(1, 5))
        desk.couriers.hosts[host] = FakeHost(refusal=UNREACHABLE)
    assert await desk.send("bob") == {"bob": UNREACHABLE}
    assert len(desk.asked()) == MAX_HOPS


# What TLS has to prove.


def with_policy(desk: Desk, *hosts: str, mode: str = "enforce") -> None:
    desk.dns.txt["_mta-sts.far.example"] = ("v=STSv1; id=1",)
    desk.hosts.files["far.example"] = policy_file(*hosts, mode=mode)


async def test_without_policy_and_records_tls_has_nothing_to_prove(desk: Desk) -> None:
    await desk.send("bob")
    assert desk.couriers.opened[0].need is Need.NOTHING


async def test_enforced_policy_leaves_out_hosts_it_does_not_list_and_asks_for_a_name(
    desk: Desk,
) -> None:
    with_policy(desk, "*.good.example")
    desk.dns.add("far.example", "mx.bad.example", "mx.good.example")
    await desk.send("bob")
    assert [(hop.host, hop.need) for hop in desk.couriers.opened] == [
        ("mx.good.example", Need.NAME)
    ]


async def test_with_no_host_that_the_policy_lists_mail_waits(desk: Desk) -> None:
    with_policy(desk, "mx.elsewhere.example")
    assert await desk.send("bob") == {"bob": NOT_SECURE}
    assert desk.asked() == []


async def test_policy_that_is_only_tested_holds_nothing_up(desk: Desk) -> None:
    with_policy(desk, "mx.elsewhere.example", mode="testing")
    assert await desk.send("bob") == {"bob": DELIVERED}
    assert desk.couriers.opened[0].need is Need.NOTHING


RECORD = Tlsa(3, 1, 1, bytes(32))


@pytest.mark.parametrize(
    ("records", "need"),
    [
        ((RECORD,), Need.DANE),
        ((Tlsa(1, 1, 1, bytes(32)),), Need.TLS),
        ((), Need.NOTHING),
    ],
)
async def test_signed_records_say_what_the_certificate_has_to_be(
    records: tuple[Tlsa, ...], need: Need
) -> None:
    desk = Desk(FakeDns(is_signed=True))
    desk.dns.add("far.example", "mx.far.example")
    desk.dns.records["mx.far.example"] = records
    await desk.send("bob")
    (hop,) = desk.couriers.opened
    assert hop.need is need
    assert hop.records == (records if need is Need.DANE else ())
    assert hop.names == ("mx.far.example", "far.example")


async def test_records_have_no_say_where_the_way_to_them_is_not_signed(desk: Desk) -> None:
    desk.dns.records["one"] = (RECORD,)
    await desk.send("bob")
    assert desk.couriers.opened[0].need is Need.NOTHING


async def test_records_go_before_a_policy() -> None:
    desk = Desk(FakeDns(is_signed=True))
    desk.dns.add("far.example", "mx.far.example")
    desk.dns.records["mx.far.example"] = (RECORD,)
    with_policy(desk, "mx.elsewhere.example")
    await desk.send("bob")
    assert desk.couriers.opened[0].need is Need.DANE


async def test_records_that_can_not_be_asked_for_may_not_be_passed_by() -> None:
    desk = Desk(FakeDns(is_signed=True))
    desk.dns.add("far.example", "mx.far.example")
    desk.dns.broken.add("_25._tcp.mx.far.example")
    assert (await desk.send("bob"))["bob"].status == "4.4.3"
    assert desk.asked() == []


# How much at once, and what is not wanted any more.


async def test_no_more_letters_at_once_than_a_domain_may_have() -> None:
    desk = Desk(bounds=Bounds(per_domain=2, altogether=3))
    for domain in ("far.example", "near.example"):
        desk.dns.add(domain, f"mx.{domain}")
    release = asyncio.Event()
    running: list[str] = []
    most = {"far.example": 0, "near.example": 0, "all": 0}

    async def one(domain: str) -> None:
        async with desk.delivery._gate(domain):
            running.append(domain)
            most[domain] = max(most[domain], running.count(domain))
            most["all"] = max(most["all"], len(running))
            await release.wait()
            running.remove(domain)

    tasks = [asyncio.create_task(one(domain)) for domain in ("far.example", "near.example") * 5]
    for _ in range(20):
        await asyncio.sleep(0)
    release.set()
    await asyncio.gather(*tasks)
    assert most["all"] == 3
    assert max(most["far.example"], most["near.example"]) == 2
    assert not desk.delivery._gates


async def test_letter_that_gets_no_place_in_time_is_put_off() -> None:
    desk = Desk(bounds=Bounds(per_domain=1, wait_seconds=0.02))
    desk.dns.add("far.example", "one")
    async with desk.delivery._gate("far.example"):
        assert await desk.send("bob", "carol") == {"bob": CONGESTED, "carol": CONGESTED}
    assert await desk.send("bob") == {"bob": DELIVERED}
    assert not desk.delivery._gates


async def test_letter_that_nobody_waits_for_is_not_begun(desk: Desk) -> None:
    letter = Letter("", ("bob@far.example",), b"x", is_wanted=lambda: False)
    assert [each async for each in desk.delivery.deliver("far.example", letter)] == []
    assert desk.asked() == []


async def test_letter_that_nobody_waits_for_any_more_goes_to_no_other_host(desk: Desk) -> None:
    wanted = [True]

    def say_later(letter: Letter, at: int) -> Verdict:
        wanted[0] = False
        return GREY

    desk.couriers.hosts["one"] = FakeHost(answer=say_later)
    letter = Letter("", ("bob@far.example",), b"x", is_wanted=lambda: wanted[0])
    assert [each async for each in desk.delivery.deliver("far.example", letter)] == []
    assert desk.asked() == ["one"]
