# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from eepost.app.config import ConfigError
from eepost.app.office import Office, create_office, open_office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return create_office(tmp_path / "office", {"mail": {"domain": "mail.i2p"}})


def test_only_one_program_serves_from_a_directory(office: Office) -> None:
    with office.claim(), pytest.raises(ConfigError, match="serves from this directory already"):
        open_office(office.directory).claim().__enter__()
    with open_office(office.directory).claim():
        assert (office.directory / "serve.lock").stat().st_mode & 0o077 == 0
