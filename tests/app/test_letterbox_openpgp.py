# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from eepost.app.letterbox_openpgp import Apart
from eepost.services.letterbox.webmail.openpgp import KeyRefused


def test_what_lies_where_the_program_was_started_is_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path / "msgspec.py"  # an attachment that somebody has kept there
    planted.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyRefused):
        Apart().read_certificates(b"no key")
    assert not (tmp_path / "ran").exists()
