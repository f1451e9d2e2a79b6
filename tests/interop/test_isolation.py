# SPDX-License-Identifier: Apache-2.0
"""The programs of these tests can reach this machine and nothing else."""

import shutil
import socket
from pathlib import Path

import pytest

from tests.interop.isolation import HAS_OWN_NETWORK, HOST_NAME, loopback_only

needs_root = pytest.mark.skipif(not HAS_OWN_NETWORK, reason="only root can make a network")
PROGRAMS = (
    *("swaks", "curl", "msmtp", "mpop", "fetchmail", "getmail", "mutt", "s-nail", "thunderbird"),
    *("unshare", "ip"),
)


def _interfaces() -> set[str]:
    table = Path("/proc/thread-self/net/dev").read_text().splitlines()[2:]
    return {line.partition(":")[0].strip() for line in table}


@needs_root
def test_the_network_of_the_programs_is_a_loopback_and_nothing_more() -> None:
    assert _interfaces() == {"lo"}
    assert socket.gethostname() == HOST_NAME


@needs_root
def test_the_thread_comes_back_to_where_it_was() -> None:
    before = Path("/proc/thread-self/ns/net").readlink()
    with loopback_only():
        assert Path("/proc/thread-self/ns/net").readlink() != before
    assert Path("/proc/thread-self/ns/net").readlink() == before


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_these_tests_drive_is_installed(name: str) -> None:
    assert shutil.which(name), "scripts/debian-packages tests installs it"
