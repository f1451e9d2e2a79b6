# SPDX-License-Identifier: Apache-2.0
"""Core and gateway as processes over loopback: pairing, and who comes and goes while they run."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.internet.gateway import Gateway, eepost, gateway_port, pair
from tests.office import PostOffice

NOTICE_SECONDS = 15.0


@pytest.fixture
def core(tmp_path: Path) -> Iterator[PostOffice]:
    settings: dict[str, dict[str, Any]] = {
        "log": {"counts_seconds": 1},
        "gateways": {"retry_seconds": 0.2},
    }
    with PostOffice(tmp_path / "office", settings).create() as office:
        gateway_port(office)
        yield office


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    settings: dict[str, dict[str, Any]] = {
        "log": {"counts_seconds": 1},
        "link": {"retry_seconds": 0.2},
    }
    with Gateway(tmp_path / "gateway", settings).create() as gateway:
        yield gateway


def wait_until(claim: Callable[[], bool]) -> None:
    until = time.monotonic() + NOTICE_SECONDS
    while not claim():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def counts(role: PostOffice | Gateway) -> dict[str, int]:
    return next((line for line in reversed(role.lines) if line["event"] == "counts"), {})


def is_up(core: PostOffice, gateways: int = 1) -> bool:
    return counts(core).get("gateways_up") == gateways


def test_link_comes_up_both_ways_and_again_after_either_side_was_killed(
    core: PostOffice, gateway: Gateway
) -> None:
    pair(core, gateway)
    core.start()
    gateway.start()
    wait_until(lambda: is_up(core))
    wait_until(lambda: counts(gateway).get("core_is_up") == 1)
    gateway.kill()
    wait_until(lambda: is_up(core, 0))
    gateway.start()
    wait_until(lambda: is_up(core))
    core.kill()
    wait_until(lambda: counts(gateway).get("core_is_up") == 0)
    core.start()
    wait_until(lambda: counts(gateway).get("core_is_up") == 1)
    wait_until(lambda: is_up(core))
    assert (core.stop(), gateway.stop()) == (0, 0)
    events = [line["event"] for role in (core, gateway) for line in role.lines]
    assert "counts" in events
    assert not {"fault", "event loop complained"}.intersection(events)


def test_gateway_is_added_drained_and_removed_while_the_core_runs(
    core: PostOffice, gateway: Gateway
) -> None:
    core.start()
    wait_until(lambda: counts(core).get("gateways_known") == 0)
    pair(core, gateway)
    gateway.start()
    wait_until(lambda: is_up(core))
    data = ("--data", str(core.directory))
    assert "in use" in eepost("gateway", "list", *data)
    eepost("gateway", "drain", gateway.name, *data)
    assert "drained" in eepost("gateway", "list", *data)
    eepost("gateway", "resume", gateway.name, *data)
    eepost("gateway", "remove", gateway.name, *data)
    wait_until(lambda: counts(core).get("gateways_known") == 0)
    wait_until(lambda: counts(gateway).get("core_is_up") == 0)
    assert "No gateways yet" in eepost("gateway", "list", *data)


def test_gateway_that_is_not_paired_does_not_start(gateway: Gateway) -> None:
    with pytest.raises(AssertionError, match="is not paired with a core"):
        gateway.start()


def test_stranger_who_reaches_the_links_port_gets_a_challenge_and_nothing_else(
    core: PostOffice, gateway: Gateway
) -> None:
    pair(core, gateway)
    core.start()
    with socket.create_connection(("127.0.0.1", gateway_port(core)), 10) as stranger:
        hello = stranger.recv(1_000)
        assert hello.startswith(b"link/1 ")
        stranger.sendall(b"0" * 64 + b" " + b"1" * 64 + b"\r\n")
        assert stranger.recv(1_000) == b""
