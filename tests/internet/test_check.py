# SPDX-License-Identifier: Apache-2.0
"""What `eepost gateway check` tells an operator, set up well and badly."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from eepost.accounts.preferences import Delay
from tests.internet.gateway import Gateway, eepost
from tests.internet.letters import named, verifies
from tests.internet.station import Station, newest, station, wait_until
from tests.internet.world.world import World
from tests.office import address

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def ours(net: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with station(net, tmp_path_factory.mktemp("checked")) as running:
        running.core.add("alice")
        with running.core.registry() as registry:
            registry.adjust("alice", lambda each: replace(each, delay=Delay.NONE))
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


def test_new_keys_sign_once_the_dns_has_them_and_old_ones_stay_there(
    net: World, ours: Station
) -> None:
    old = signed_by(net, ours, "before@plain.example")
    first = rotate(ours.gateway)
    assert first.returncode == 0, first.stderr
    records = [line for line in first.stdout.splitlines() if "._domainkey." in line]
    made = {line.partition(".")[0] for line in records} - old
    assert (len(records), len(made)) == (4, 2)
    refused = rotate(ours.gateway)
    assert refused.returncode == 1
    assert refused.stdout.count("is not published as it is here") == 2
    assert signed_by(net, ours, "meanwhile@plain.example") == old
    net.ours(*[line for line in first.stdout.splitlines() if " TXT " in line])
    ours.gateway.stop()
    done = rotate(ours.gateway)
    assert done.returncode == 0, done.stdout
    ours.gateway.start()
    ours.wait_for_link()
    assert signed_by(net, ours, "after@plain.example") == made
    code, _, output = check(ours.gateway)
    assert code == 0, output
    left = eepost("gateway", "records", "--data", str(ours.gateway.directory))
    assert all(f"{each}._domainkey" in left for each in old | made)
    private = [each.stem for each in (ours.gateway.directory / "dkim").glob("*.*")]
    assert set(private) == made, "who takes the disk signs nothing with the old ones"


def rotate(gateway: Gateway) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "eepost", "gateway", "dkim-rotate", "--data"]
    return subprocess.run(
        [*command, str(gateway.directory)], capture_output=True, text=True, timeout=60, check=False
    )


def signed_by(net: World, ours: Station, recipient: str) -> set[str]:
    """Let a mail leave, and return the selectors of its signatures, which have to be good."""
    wait_until(lambda: newest(ours.core, "gateways_up") == 1)
    letter = f"From: {address('alice')}\r\nTo: {recipient}\r\n\r\nHello\r\n"
    ours.core.submit(address("alice"), recipient, letter.encode())
    message = net.postfix.mail.wait(recipient)[0]
    found = named(message, "DKIM-Signature")
    assert all(verifies(message, at) for at in range(len(found)))
    return {each.partition("s=")[2].partition(";")[0] for each in found}


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
