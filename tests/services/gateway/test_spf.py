# SPDX-License-Identifier: Apache-2.0
"""SPF against the openspf.org test suite for RFC 7208; its licence lies beside it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from eepost.mail.address import Address
from eepost.services.gateway.authentication.questions import Found, Kind
from eepost.services.gateway.authentication.spf import check_spf
from tests.services.gateway.zone import FAILS, Zone

SUITE = json.loads((Path(__file__).parent / "vectors" / "rfc7208-tests.json").read_text("utf-8"))
CASES = [
    pytest.param(each["zonedata"], case, id=name)
    for each in SUITE
    for name, case in each["tests"].items()
]


def _zone(given: dict[str, list[Any]]) -> Zone:
    records: dict[str, Any] = {}
    for name, held in given.items():
        kinds: dict[str, Any] = {}
        records[name.lower()] = FAILS if "TIMEOUT" in held and len(held) == 1 else kinds
        fails = "TIMEOUT" in held
        for record in held:
            if record == "TIMEOUT":
                continue
            for kind, value in record.items():
                _add(kinds, kind, value)
        # The suite writes the old type SPF; where no TXT record stands, it means TXT as well.
        spf = kinds.pop("SPF", [])
        texts = kinds.setdefault("TXT", spf)
        if texts in ([], ["NONE"]):
            del kinds["TXT"]
        if fails:
            for kind in Kind:
                kinds[kind.value] = kinds.get(kind.value) or FAILS
    return Zone(records)


def _add(kinds: dict[str, Any], kind: str, value: Any) -> None:
    if value == "TIMEOUT":
        kinds[kind] = FAILS
    elif kind in ("TXT", "SPF"):
        parts = [value] if isinstance(value, str) else value
        kinds.setdefault(kind, []).append("".join(parts))
    elif kind == "MX":
        kinds.setdefault(kind, []).append(value[1])
    else:
        kinds.setdefault(kind, []).append(value)


def test_the_suite_is_whole() -> None:
    """All of the suite's last release; the 191 cases of the one for RFC 4408 stand in it too."""
    assert len(CASES) == 203


@pytest.mark.parametrize(("zone", "case"), CASES)
def test_vector(zone: dict[str, list[Any]], case: dict[str, Any]) -> None:
    local, _, domain = case["mailfrom"].rpartition("@")
    path = Address(local or "postmaster", domain) if case["mailfrom"] else None
    expected = case["result"] if isinstance(case["result"], list) else [case["result"]]
    assert check_spf(case["host"], case["helo"], path, _zone(zone)).result in expected


def test_no_more_than_ten_questions_are_asked_for_a_record() -> None:
    records = {
        f"d{n}.example": {"TXT": [f"v=spf1 include:d{n + 1}.example -all"]} for n in range(40)
    }
    zone = Zone(records)
    verdict = check_spf("192.0.2.1", "mx.example", Address("a", "d0.example"), zone)
    assert verdict.result == "permerror"
    assert len(zone.asked) <= 12


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 " + "a" * 60_000,
        "v=spf1 exists:" + "%{i}." * 300 + "." + "a1" * 900,
        "v=spf1 " + "ip6:" + "1:" * 900 + " -all",
        "v=spf1 a:" + "." * 1_900 + " -all",
        "v=spf1 " + "x" * 900 + "=" + "%" * 900,
    ],
)
def test_no_record_costs_more_than_it_weighs(record: str) -> None:
    began = time.process_time()
    zone = Zone({"d.example": {"TXT": [record]}})
    check_spf("192.0.2.1", "mx.example", Address("a", "d.example"), zone)
    assert time.process_time() - began < 2


def test_fault_of_the_library_is_a_verdict() -> None:
    def broken(name: str, kind: Kind) -> Found:
        raise RuntimeError(name, kind)

    verdict = check_spf("192.0.2.1", "mx.example", Address("a", "d.example"), broken)
    assert verdict.result == "permerror"


def test_null_reverse_path_is_judged_by_the_name_in_ehlo() -> None:
    zone = Zone({"mx.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]}})
    good = check_spf("192.0.2.1", "mx.example", None, zone)
    assert (good.result, good.domain, good.identity) == ("pass", "mx.example", "helo")
    assert check_spf("192.0.2.2", "mx.example", None, zone).result == "fail"
    assert check_spf("192.0.2.2", "[192.0.2.2]", None, zone).result == "none"
