# SPDX-License-Identifier: Apache-2.0
"""One post office and two routers for all tests here, in a network without any way out."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eepost.app.i2p import LINK_PORT
from eepost.net.i2p.found import find_binary
from tests.figures import figure, pytest_terminal_summary
from tests.i2p.network import COUNT, wait_for_greeting
from tests.i2p.village import ALICE, PER_PEER, POP3, SMTP, Village, build
from tests.interop.isolation import HAS_OWN_NETWORK, loopback_only
from tests.office import OFFICIAL, PostOffice

__all__ = ["figure", "pytest_terminal_summary"]


@pytest.fixture(scope="package", autouse=True)
def _no_way_out() -> Iterator[None]:
    if not HAS_OWN_NETWORK:
        pytest.skip("needs namespaces of its own: unshare --user --map-root-user pytest tests/i2p")
    if find_binary(Path("/")) is None:
        pytest.skip("no i2pd is installed: scripts/debian-packages i2p")
    with loopback_only():
        for number in range(1, COUNT + 1):
            address = f"9.66.0.{number}/32"
            subprocess.run(["ip", "addr", "add", address, "dev", "lo"], check=True, timeout=10)
        yield


@pytest.fixture(scope="package")
def post(_no_way_out: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    """A post office on the ports it has by default."""
    settings: dict[str, dict[str, Any]] = {
        "mail": {"message_id_domain": OFFICIAL},
        "gateways": {"listen": f"127.0.0.1:{LINK_PORT}", "retry_seconds": 1.0},
        "log": {"counts_seconds": 1},
        "smtp": {"listen": f"127.0.0.1:{SMTP}", "connections_per_peer": PER_PEER},
        "pop3": {"listen": f"127.0.0.1:{POP3}", "connections_per_peer": PER_PEER},
    }
    folder = tmp_path_factory.mktemp("post") / "office"
    office = PostOffice(folder, settings).create().start()
    yield office
    office.kill()


@pytest.fixture(scope="package")
def village(post: PostOffice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """The post office's own router, and one that alice, mallory and a gateway share."""
    with build(post.directory, tmp_path_factory.mktemp("village")) as village:
        village.boot_seconds = wait_for_greeting(ALICE.smtp)
        wait_for_greeting(ALICE.pop3)
        village.silent = socket.create_connection(("127.0.0.1", ALICE.smtp), 60)
        village.silent_since = time.monotonic()
        yield village
        village.silent.close()
