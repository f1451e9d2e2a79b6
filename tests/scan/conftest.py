# SPDX-License-Identifier: Apache-2.0
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.office import PostOffice
from tests.scan.daemon import Daemon, running
from tests.scan.posting import serving


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path is short: a socket's may have 107 octets, and tmp_path often exceeds it.

    In memory, where plain mail belongs.
    """
    with tempfile.TemporaryDirectory(prefix="eepost-scan-", dir="/dev/shm") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def clamd() -> Iterator[Daemon]:
    """One clamd for all tests that leave it as it is."""
    with (
        tempfile.TemporaryDirectory(prefix="eepost-scan-", dir="/dev/shm") as name,
        running(Path(name) / "clamd") as daemon,
    ):
        yield daemon


@pytest.fixture(scope="session")
def scanning(clamd: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    """One post office that asks it."""
    with serving(tmp_path_factory.mktemp("scan"), clamd.socket) as office:
        yield office
