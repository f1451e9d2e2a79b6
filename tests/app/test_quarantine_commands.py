# SPDX-License-Identifier: Apache-2.0
"""`eepost quarantine`: an operator looks at infected mail that nobody got."""

import asyncio
import re
from pathlib import Path

from eepost.app.office import open_office
from tests.app.test_cli import data, eepost, fresh

__all__ = ["data", "fresh"]
MESSAGES = (b"From: <bob@far.example>\r\n\r\none\r\n", b"From: <eve@far.example>\r\n\r\ntwo\r\n")


def keep(directory: Path, *messages: bytes) -> None:
    """Put messages there as a running core does."""
    office = open_office(directory)
    quarantine = office.quarantine(office.start_key())
    for each in messages:
        asyncio.run(quarantine.keep(each))


def run(directory: Path, *words: str) -> str:
    done = eepost("quarantine", *words, "--data", directory)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_operator_sees_saves_and_drops_what_is_kept(data: Path, tmp_path: Path) -> None:
    assert run(data, "list") == "Nothing is kept.\n"
    keep(data, *MESSAGES)
    listed = run(data, "list")
    assert "far.example" not in listed
    first, second = re.findall(r"^([0-9a-f]{32})\b", listed, re.MULTILINE)
    out = tmp_path / "saved"
    run(data, "save", first[:10], "--out", str(out))
    assert out.read_bytes() == MESSAGES[0]
    assert out.stat().st_mode & 0o077 == 0
    again = eepost("quarantine", "save", second, "--out", out, "--data", data)
    assert again.returncode == 2
    assert out.read_bytes() == MESSAGES[0], "nothing is overwritten"
    assert run(data, "drop", first, "--yes") == "1 dropped.\n"
    assert second in run(data, "list")
    assert run(data, "drop", "--yes") == "1 dropped.\n"
    assert run(data, "list") == "Nothing is kept.\n"


def test_name_that_fits_none_or_several_chooses_nothing(data: Path, tmp_path: Path) -> None:
    keep(data, *MESSAGES)
    for name in ("", "zz", "../start.key"):
        saved = tmp_path / "x"
        done = eepost("quarantine", "save", name, "--out", saved, "--data", data)
        assert done.returncode == 2
        assert not saved.exists()
