# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.wire.outward.sts import (
    MAX_AGE_SECONDS,
    MAX_POLICY_OCTETS,
    MIN_AGE_SECONDS,
    Mode,
    Policy,
    parse_policy,
    policy_id,
)

# RFC 8461 3.2, with line ends of both kinds.
EXAMPLE = (
    b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n"
    b"mx: *.example.net\nmx: backupmx.example.com\nmax_age: 604800\n"
)


def test_example_of_the_specification_is_read() -> None:
    hosts = ("mail.example.com", "*.example.net", "backupmx.example.com")
    policy = parse_policy(EXAMPLE)
    assert policy == Policy(Mode.ENFORCE, hosts, 604_800)
    assert policy.is_enforced


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("mail.example.com", True),
        ("mx.example.net", True),
        ("example.net", False),
        ("a.mx.example.net", False),
        ("other.example.com", False),
        ("net", False),
    ],
)
def test_a_star_stands_for_one_label(host: str, is_allowed: bool) -> None:
    policy = parse_policy(EXAMPLE)
    assert policy is not None
    assert policy.allows(host) == is_allowed


def test_a_policy_that_is_not_enforced_says_so() -> None:
    testing = parse_policy(EXAMPLE.replace(b"enforce", b"testing"))
    nothing = parse_policy(b"version: STSv1\nmode: none\nmax_age: 86400\n")
    assert testing is not None
    assert nothing is not None
    assert not testing.is_enforced
    assert not nothing.is_enforced


@pytest.mark.parametrize(
    ("given_seconds", "kept"),
    [(b"0", MIN_AGE_SECONDS), (b"9999999999", MAX_AGE_SECONDS), (b"100", 100)],
)
def test_age_is_kept_within_reason(given_seconds: bytes, kept: int) -> None:
    policy = parse_policy(EXAMPLE.replace(b"604800", given_seconds))
    assert policy is not None
    assert policy.max_age_seconds == kept


def test_the_first_of_two_fields_counts_and_hosts_add_up() -> None:
    policy = parse_policy(EXAMPLE + b"mode: none\nfuture: whatever\n")
    assert policy is not None
    assert policy.mode is Mode.ENFORCE


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\xff",
        EXAMPLE.replace(b"STSv1", b"STSv2"),
        EXAMPLE.replace(b"enforce", b"force"),
        EXAMPLE.replace(b"604800", b"a week"),
        EXAMPLE.replace(b"604800", b"-1"),
        EXAMPLE.replace(b"604800", b"1" * 11),
        EXAMPLE.replace(b"mx:", b"nx:"),
        EXAMPLE.replace(b"mail.example.com", b"*.*.com"),
        EXAMPLE.replace(b"mail.example.com", b"mail_.exa mple.com"),
        EXAMPLE + b"mx: a.example\n" * 100,
        EXAMPLE + b"x" * MAX_POLICY_OCTETS,
    ],
)
def test_what_is_no_policy_is_none(octets: bytes) -> None:
    assert parse_policy(octets) is None


@pytest.mark.parametrize(
    "text",
    [
        "v=STSv1; id=20160831085700Z;",
        "v=STSv1;id=20160831085700Z",
        "v=STSv1; other=1; id=20160831085700Z",
    ],
)
def test_record_tells_the_identifier(text: str) -> None:
    assert policy_id([text]) == "20160831085700Z"
    assert policy_id(["v=spf1 -all", text]) == "20160831085700Z"


@pytest.mark.parametrize(
    "texts",
    [
        [],
        ["v=spf1 -all"],
        ["v=STSv1; id=1", "v=STSv1; id=2"],
        ["v=STSv1;"],
        ["v=STSv10; id=1"],
        ["v=STSv1; id=" + "1" * 33],
        ["v=STSv1; id=a-b"],
        [" v=STSv1; id=1"],
    ],
)
def test_what_is_no_record_offers_no_policy(texts: list[str]) -> None:
    assert policy_id(texts) is None


@given(st.binary(max_size=300))
def test_noise_is_a_policy_or_none(noise: bytes) -> None:
    parse_policy(noise)
    parse_policy(EXAMPLE + noise)
    policy_id([noise.decode("latin-1"), "v=STSv1;" + noise.decode("latin-1")])
