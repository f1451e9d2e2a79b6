# SPDX-License-Identifier: Apache-2.0
import random

import pytest

from eepost.wire.outward.route import (
    LOOPS,
    MAX_HOSTS,
    NO_ANSWER,
    NULL_MX,
    Exchanger,
    Exchangers,
    in_order,
    may_dial,
    route_of,
)

OWN = "mx.own.example"
CHANCE = random.Random(1).random


def route(*records: tuple[int, str]) -> Exchangers:
    return Exchangers(tuple(Exchanger(*each) for each in records))


def test_a_single_root_says_that_no_mail_is_taken() -> None:
    assert route_of([Exchanger(0, "")], is_secure=True) == NULL_MX
    assert NULL_MX.is_final
    assert not NO_ANSWER.is_final


def test_a_root_among_others_says_nothing() -> None:
    records = [Exchanger(0, ""), Exchanger(10, "mx.far.example")]
    assert route_of(records, is_secure=True) == Exchangers((records[1],), is_secure=True)


def test_hosts_come_in_the_order_of_their_preference() -> None:
    hosts = route((30, "c"), (10, "a"), (20, "b"))
    assert in_order(hosts, OWN, CHANCE) == ("a", "b", "c")


def test_hosts_of_one_preference_come_in_any_order() -> None:
    hosts = route(*((10, f"h{at}") for at in range(4)), (5, "first"), (20, "last"))
    seen = {in_order(hosts, OWN, CHANCE) for _ in range(200)}
    assert len(seen) == 24
    assert {each[0] for each in seen} == {"first"}  # type: ignore[index]
    assert {each[-1] for each in seen} == {"last"}  # type: ignore[index]


def test_a_host_that_stands_there_twice_is_tried_once() -> None:
    assert in_order(route((10, "a"), (20, "a"), (30, "b")), OWN, CHANCE) == ("a", "b")


def test_no_more_hosts_than_the_most_are_looked_at() -> None:
    hosts = in_order(route(*((at, f"h{at}") for at in range(50))), OWN, CHANCE)
    assert hosts == tuple(f"h{at}" for at in range(MAX_HOSTS))


def test_we_and_all_that_comes_after_us_are_left_out() -> None:
    hosts = route((10, "a"), (20, OWN), (20, "b"), (30, "c"))
    assert in_order(hosts, OWN, CHANCE) == ("a",)


def test_with_us_at_the_front_the_domain_leads_in_a_circle() -> None:
    assert in_order(route((10, OWN), (20, "b")), OWN, CHANCE) is LOOPS
    assert LOOPS.is_final


@pytest.mark.parametrize(
    "address", ["9.66.1.1", "2a00:1450::1", "2002:0942:0101::1", "64:ff9b::942:101"]
)
def test_addresses_of_others_are_dialled(address: str) -> None:
    assert may_dial(address, frozenset())


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.1.1", "100.64.0.1"),
        *("0.0.0.0", "255.255.255.255", "224.0.0.1", "198.51.100.1", "::1", "::", "fe80::1"),
        *("fd00::1", "ff0e::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:0001::1"),
        *("2002:0a00:0001::1", "2001:db8::1", "2001:0:4136:e378:8000:63bf:f5ff:fffe", "x", ""),
        *("64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::909:101", "::127.0.0.1", "fec0::1"),
    ],
)
def test_addresses_that_lead_inside_are_never_dialled(address: str) -> None:
    assert not may_dial(address, frozenset())


@pytest.mark.parametrize(
    "address", ["9.66.1.1", "::ffff:9.66.1.1", "2002:0942:0101::1", "64:ff9b::942:101"]
)
def test_our_own_address_is_never_dialled_in_any_clothes(address: str) -> None:
    assert not may_dial(address, frozenset({"9.66.1.1"}))
