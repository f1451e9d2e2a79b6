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


def test_credential_is_read_whatever_mode_an_access_list_shows(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = office.directory / "start.key"
    credential = tmp_path / "start.key"
    credential.write_text(key.read_text())
    credential.chmod(0o440)
    config = office.config_file
    text = config.read_text().replace('#source = "file"', 'source = "credential"')
    config.write_text(text)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert open_office(office.directory).start_key().to_text() == key.read_text().strip()


def test_key_file_that_others_can_read_is_refused(office: Office) -> None:
    (office.directory / "start.key").chmod(0o640)
    with pytest.raises(ConfigError, match="can be read by others"):
        office.start_key()
