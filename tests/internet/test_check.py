# SPDX-License-Identifier: Apache-2.0
"""What `eepost gateway check` tells an operator, set up well and badly."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.internet.gateway import Gateway
from tests.internet.station import Station, station
from tests.internet.world.world import World

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def ours(net: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with station(net, tmp_path_factory.mktemp("checked")) as running:
        yield running


def check(gateway: Gateway) -> tuple[int, dict[str, str], str]:
    """Return exit code, subject -> state, and all that was printed."""
    command = [sys.executable, "-m", "eepost", "gateway", "check", "--wait", "5"]
    done = subprocess.run(
        [*command, "--data", str(gateway.directory)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    states = ("ok ", "wrong ", "not checked ")
    lines = [line for line in done.stdout.splitlines() if line.startswith(states)]
    found = {line[13:].partition(":")[0]: line[:13].strip() for line in lines}
    return done.returncode, found, done.stdout + done.stderr


def test_gateway_that_is_set_up_well_has_nothing_to_mend(ours: Station) -> None:
    code, found, output = check(ours.gateway)
    assert set(found.values()) == {"ok"}, output
    assert code == 0
    assert {"resolver", "name mx.example.org", "MX of example.org", "link to the core"} <= set(
        found
    )
    assert len([subject for subject in found if subject.startswith("DKIM key")]) == 2


def test_what_is_missing_in_the_dns_is_named_with_its_mend(net: World, ours: Station) -> None:
    net.zones.add("example.org", "mx A 9.66.2.9", '@ TXT "v=spf1 -all"', '@ TXT "v=spf1 mx -all"')
    net.zones.publish()
    code, found, output = check(ours.gateway)
    assert code == 1
    wrong = {subject for subject, state in found.items() if state == "wrong"}
    assert wrong >= {
        "name mx.example.org",
        "MX of example.org",
        "SPF of example.org",
        "DMARC of example.org",
    }
    assert "DKIM key" in str(wrong)
    assert output.count("->") == len(wrong)


def test_resolver_that_does_not_answer_is_the_first_thing_told(ours: Station) -> None:
    ours.gateway.set("dns", "resolver", "127.0.0.1:5399")
    ours.gateway.set("dns", "seconds", 1.0)
    code, found, _ = check(ours.gateway)
    ours.gateway.set("dns", "resolver", "127.0.0.1:53")
    assert (code, found["resolver"]) == (1, "wrong")
    assert not [subject for subject in found if subject.startswith("MX")]


def test_core_that_is_away_is_told(ours: Station) -> None:
    ours.core.kill()
    _, found, output = check(ours.gateway)
    assert found["link to the core"] == "wrong", output
