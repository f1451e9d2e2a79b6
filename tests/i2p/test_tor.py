# SPDX-License-Identifier: Apache-2.0
"""The connector at Debian's Tor, as far as Tor goes without a network: up to its own refusal."""

import asyncio
import hashlib
import os
import shutil
import socket
import subprocess
import time
from base64 import b32encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from eepost.net.connect import Connector, Patience, Route, Socks5, Unreachable, isolation
from eepost.net.listeners import Endpoint

pytestmark = pytest.mark.interop

SOCKS = Endpoint("127.0.0.1", 19_050)
START_SECONDS = 20.0


@pytest.fixture
def tor(tmp_path: Path) -> Iterator[Path]:
    """A Tor that can reach nobody; yields its log."""
    if shutil.which("tor") is None:
        pytest.skip("no tor is installed: scripts/debian-packages i2p")
    torrc, log = tmp_path / "torrc", tmp_path / "log"
    torrc.write_text(
        f"SocksPort {SOCKS} IsolateSOCKSAuth\nDataDirectory {tmp_path}/data\n"
        f"Log notice file {log}\n"
    )
    process = subprocess.Popen(["tor", "-f", torrc, "--quiet"], stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection((SOCKS.host, SOCKS.port), 1).close()
            break
        except OSError:
            assert time.monotonic() < deadline, "tor opened no port"
            time.sleep(0.05)
    yield log
    process.terminate()
    process.wait(20)


def onion() -> str:
    """Return the address of an onion service that nobody runs (rend-spec-v3 6)."""
    public, version = Ed25519PrivateKey.generate().public_key().public_bytes_raw(), b"\x03"
    checksum = hashlib.sha3_256(b".onion checksum" + public + version).digest()[:2]
    return b32encode(public + checksum + version).decode().lower() + ".onion"


def reach(host: str, seconds: float) -> tuple[Connector, float]:
    """Try to reach `host` and return the connector with its counts, and how long it took."""

    async def scenario() -> Connector:
        way = Socks5(SOCKS, host, 25, isolation(os.urandom))
        patience = Patience(connect_seconds=seconds, first_octet_seconds=seconds)
        connector = Connector([Route("far", way)], patience, time.monotonic, lambda: 0.5)
        with pytest.raises(Unreachable):
            await connector.greeted()
        return connector

    begun = time.monotonic()
    return asyncio.run(scenario()), time.monotonic() - begun


def test_tor_takes_the_isolated_identity_and_refuses_what_can_not_be(tor: Path) -> None:
    connector, took = reach("a" * 56 + ".onion", 10)
    assert connector.counts.refused == 1
    assert took < 5, "refused by Tor and not by our deadline"
    assert "nvalid onion hostname" in tor.read_text(), "so Tor has read our request"


def test_onion_service_that_is_never_found_meets_our_deadline(tor: Path) -> None:
    connector, took = reach(onion(), 2)
    assert connector.counts.refused == 1
    assert 1.9 < took < 6
    assert "nvalid onion hostname" not in tor.read_text()
