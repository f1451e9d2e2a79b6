# SPDX-License-Identifier: Apache-2.0
"""DMARC as RFC 9989 has it: whose record counts, who is aligned, what is asked for."""

import pytest

from eepost.services.gateway.authentication.dmarc import Evaluation, Policy, read_record
from eepost.services.gateway.authentication.questions import Found, Kind
from eepost.services.gateway.authentication.signatures import DkimVerdict
from eepost.services.gateway.authentication.spf import SpfVerdict
from tests.services.gateway.zone import FAILS, Zone

NO_SPF = SpfVerdict("none")


def zone(records: dict[str, str], *also: str) -> Zone:
    held = {f"_dmarc.{name}": {"TXT": [text]} for name, text in records.items()}
    return Zone(held | {name: {"A": ["192.0.2.1"]} for name in also})


def judge(
    author: str, asked: Zone, spf: str = "", signed: str = "", result: str = "pass"
) -> tuple[str, Policy]:
    verdict = Evaluation(asked).judge(
        author,
        SpfVerdict(result, spf) if spf else NO_SPF,
        [DkimVerdict(result, signed)] if signed else [],
    )
    return verdict.result, verdict.policy


REJECTS = zone({"example.com": "v=DMARC1; p=reject"}, "a.example.com")


@pytest.mark.parametrize(
    ("author", "spf", "signed", "result"),
    [
        ("example.com", "example.com", "", "pass"),
        ("example.com", "", "example.com", "pass"),
        ("a.example.com", "b.example.com", "", "pass"),
        ("a.example.com", "", "x.y.z.example.com", "pass"),
        ("example.com", "example.org", "", "fail"),
        ("example.com", "badexample.com", "example.com.evil.org", "fail"),
        ("example.com", "", "", "fail"),
        ("a.example.com", "", "", "fail"),
    ],
)
def test_domain_of_one_owner_is_aligned(author: str, spf: str, signed: str, result: str) -> None:
    policy = Policy.REJECT if result == "fail" else Policy.NONE
    assert judge(author, REJECTS, spf, signed) == (result, policy)


@pytest.mark.parametrize("result", ["fail", "softfail", "neutral", "none", "temperror", "policy"])
def test_only_a_pass_counts(result: str) -> None:
    assert judge("example.com", REJECTS, "example.com", "example.com", result)[0] == "fail"


def test_strict_alignment_wants_the_very_domain() -> None:
    strict = zone({"example.com": "v=DMARC1; p=reject; adkim=s; aspf=s"})
    assert judge("example.com", strict, "a.example.com", "a.example.com")[0] == "fail"
    assert judge("example.com", strict, "example.com", "")[0] == "pass"
    assert judge("example.com", strict, "", "example.com")[0] == "pass"


@pytest.mark.parametrize(
    ("record", "author", "policy"),
    [
        ("v=DMARC1; p=none", "example.com", Policy.NONE),
        ("v=DMARC1;p=QUARANTINE;", "example.com", Policy.QUARANTINE),
        ("v = DMARC1 ; p = reject", "example.com", Policy.REJECT),
        ("v=DMARC1; p=reject; sp=none", "example.com", Policy.REJECT),
        ("v=DMARC1; p=reject; sp=none", "a.example.com", Policy.NONE),
        ("v=DMARC1; p=none; sp=none; np=reject", "a.example.com", Policy.NONE),
        ("v=DMARC1; p=none; sp=none; np=reject", "nowhere.example.com", Policy.REJECT),
        ("v=DMARC1; p=none; sp=quarantine", "nowhere.example.com", Policy.QUARANTINE),
        ("v=DMARC1; p=reject; t=y", "example.com", Policy.QUARANTINE),
        ("v=DMARC1; p=quarantine; t=y", "example.com", Policy.NONE),
        ("v=DMARC1; p=none; t=y", "example.com", Policy.NONE),
        ("v=DMARC1; p=reject; pct=0; rf=afrf; ri=1; x=y; =", "example.com", Policy.REJECT),
        ("v=DMARC1; p=reject; p=none", "example.com", Policy.REJECT),
        ("v=DMARC1; rua=mailto:d@example.com", "example.com", Policy.NONE),
    ],
)
def test_record_asks_for(record: str, author: str, policy: Policy) -> None:
    assert judge(author, zone({"example.com": record}, "a.example.com")) == ("fail", policy)


@pytest.mark.parametrize(
    "record",
    [
        "",
        "v=DMARC1",
        "v=DMARC1; p=never",
        "v=dmarc1; p=reject",
        "v=DMARC2; p=reject",
        "p=reject; v=DMARC1",
        "v=spf1 -all",
        "v=DMARC10; p=reject",
    ],
)
def test_record_asks_for_nothing(record: str) -> None:
    assert judge("example.com", zone({"example.com": record})) == ("none", Policy.NONE)


def test_two_records_are_none() -> None:
    both = Found((b"v=DMARC1; p=reject", b"v=DMARC1; p=none"))
    assert read_record(both) is None
    assert read_record(Found((b"v=DMARC1; p=reject", b"something else \xff"))) is not None


def test_walk_stops_at_psd_n() -> None:
    asked = zone({"a.example.com": "v=DMARC1; p=none; psd=n", "example.com": "v=DMARC1; p=reject"})
    assert Evaluation(asked).organizational_domain("x.a.example.com") == "a.example.com"
    assert judge("x.a.example.com", asked, "b.example.com") == ("fail", Policy.NONE)


def test_public_suffix_owns_what_is_one_label_below() -> None:
    asked = zone({"co.example": "v=DMARC1; p=reject; np=reject; psd=y"}, "one.co.example")
    owner = Evaluation(asked).organizational_domain
    assert owner("a.one.co.example") == "one.co.example"
    assert owner("one.co.example") == "one.co.example"
    assert owner("co.example") == "co.example"
    # Two owners below one suffix are not each other.
    assert judge("one.co.example", asked, "two.co.example") == ("fail", Policy.REJECT)
    assert judge("a.one.co.example", asked, "b.one.co.example")[0] == "pass"


def test_record_nearest_to_the_root_names_the_owner() -> None:
    asked = zone({"a.example.com": "v=DMARC1; p=none", "example.com": "v=DMARC1; p=reject"})
    assert Evaluation(asked).organizational_domain("b.a.example.com") == "example.com"
    assert judge("a.example.com", asked) == ("fail", Policy.NONE)
    assert judge("b.a.example.com", asked) == ("fail", Policy.REJECT)


def test_domain_without_any_record_owns_itself_only() -> None:
    empty = zone({})
    assert Evaluation(empty).organizational_domain("a.example.com") == "a.example.com"
    assert judge("a.example.com", empty, "example.com") == ("none", Policy.NONE)


def test_long_names_cost_few_questions() -> None:
    asked = zone({"example.com": "v=DMARC1; p=reject"})
    name = ".".join(["x"] * 60 + ["example", "com"])
    assert judge(name, asked) == ("fail", Policy.REJECT)
    walked = [each for each, kind in asked.asked if kind is Kind.TXT]
    assert len(walked) == 8
    assert walked[:2] == [f"_dmarc.{name}", "_dmarc.x.x.x.x.x.example.com"]


def test_name_server_that_fails_is_told_apart_from_no_record() -> None:
    failing = Zone({"_dmarc.example.com": {"TXT": FAILS}})
    assert judge("example.com", failing)[0] == "temperror"
