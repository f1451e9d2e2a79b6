# SPDX-License-Identifier: Apache-2.0
import time
from pathlib import Path

import pytest

from eepost.net.i2p.version import ask_version, can_encrypt_leases, parse_version


def program(folder: Path, script: str) -> Path:
    file = folder / "i2pd"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        (b"i2pd version 2.45.1 (0.9.57)\nBoost version 1.74.0\n", "2.45.1"),
        (b"i2pd version 2.59.0 (0.9.68)\n", "2.59.0"),
        (b"", ""),
        (b"i2pd version 2.56\n", ""),
        (b"i2pd version 99999.1.1", ""),
        (b"\xff" * 5_000 + b"i2pd version 2.59.0", ""),
    ],
)
def test_version_is_read_from_what_the_router_prints(answer: bytes, version: str) -> None:
    assert parse_version(answer) == version


@pytest.mark.parametrize(
    ("version", "can"),
    [
        ("", False),
        ("2.45.1", False),
        ("2.55.9", False),
        ("2.56.0", True),
        ("2.100.0", True),
        ("3.0.0", True),
        ("1.99.0", False),
        ("new", False),
    ],
)
def test_encrypted_lease_sets_need_a_new_router(version: str, can: bool) -> None:
    assert can_encrypt_leases(version) is can


def test_installed_program_is_asked(tmp_path: Path) -> None:
    file = program(tmp_path, '[ "$1" = --version ] && echo "i2pd version 2.56.0 (0.9.65)"')
    assert ask_version(file) == "2.56.0"


def test_program_that_never_ends_or_never_stops_talking_is_ended(tmp_path: Path) -> None:
    begun = time.monotonic()
    assert ask_version(program(tmp_path, "exec sleep 60"), 0.2) == ""
    assert ask_version(program(tmp_path, "exec yes"), 30) == ""
    assert time.monotonic() - begun < 20


def test_missing_or_unusable_program_has_no_version(tmp_path: Path) -> None:
    assert ask_version(tmp_path / "none") == ""
    (tmp_path / "noise").write_bytes(bytes(range(256)))
    (tmp_path / "noise").chmod(0o755)
    assert ask_version(tmp_path / "noise") == ""
