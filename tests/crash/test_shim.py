# SPDX-License-Identifier: Apache-2.0
"""The shim forgets what was not flushed, and nothing else."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.shim import Disk, build_shim

pytestmark = pytest.mark.crash


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def disk(shim: Path, tmp_path: Path) -> Disk:
    live = tmp_path / "live"
    live.mkdir()
    (live / "old").write_bytes(b"old content")
    return Disk(shim, live, tmp_path / "durable").prepare()


def run(disk: Disk, program: str) -> None:
    """Run a program in the live folder that ends as if it were killed."""
    begin = "import os\ndef opened(name, flags): return os.open(name, flags | os.O_CREAT, 0o600)\n"
    subprocess.run(
        [sys.executable, "-c", f"{begin}{program}\nos._exit(0)"],
        cwd=disk.live,
        env={**os.environ, **disk.environment},
        check=True,
    )


def left(disk: Disk, tmp_path: Path, spill: random.Random | None = None) -> dict[str, bytes]:
    found = disk.after_power_loss(tmp_path / "found", spill)
    return {file.name: file.read_bytes() for file in found.iterdir()}


FLUSH_FOLDER = "os.fsync(os.open('.', os.O_RDONLY))\n"


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("", {"old": b"old content"}),
        ("f = opened('old', os.O_RDWR); os.write(f, b'NEW')", {"old": b"old content"}),
        ("f = opened('old', os.O_RDWR); os.write(f, b'NEW'); os.fsync(f)", {"old": b"NEW content"}),
        ("f = opened('old', os.O_WRONLY); os.pwrite(f, b'X', 2); os.fdatasync(f)",
         {"old": b"olX content"}),
        ("f = opened('old', os.O_RDWR); os.fsync(f); os.ftruncate(f, 3)", {"old": b"old content"}),
        ("f = opened('old', os.O_RDWR); os.ftruncate(f, 3); os.ftruncate(f, 5); os.fsync(f)",
         {"old": b"old\0\0"}),
        ("f = opened('old', os.O_RDWR | os.O_TRUNC); os.write(f, b'ab'); os.fsync(f)",
         {"old": b"ab"}),
        ("f = opened('old', os.O_RDWR); g = opened('old', os.O_RDWR)\n"
         "os.write(f, b'NEW'); os.fsync(g)", {"old": b"NEW content"}),
    ],
)  # fmt: skip
def test_a_file_has_what_was_flushed(
    disk: Disk, tmp_path: Path, program: str, expected: dict[str, bytes]
) -> None:
    run(disk, program)
    assert left(disk, tmp_path) == expected


NEW = "f = opened('new', os.O_RDWR); os.write(f, b'new'); os.fsync(f)\n"


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (NEW, {"old": b"old content"}),
        (NEW + FLUSH_FOLDER, {"old": b"old content", "new": b"new"}),
        (FLUSH_FOLDER + NEW, {"old": b"old content"}),
        ("opened('new', os.O_RDWR)\n" + FLUSH_FOLDER, {"old": b"old content", "new": b""}),
        ("os.unlink('old')", {"old": b"old content"}),
        ("os.unlink('old')\n" + FLUSH_FOLDER, {}),
        ("os.unlink('old')\n" + NEW, {"old": b"old content"}),
        ("os.unlink('old')\n" + NEW + FLUSH_FOLDER, {"new": b"new"}),
        (NEW + "os.rename('new', 'old')", {"old": b"old content"}),
        (NEW + "os.rename('new', 'old')\n" + FLUSH_FOLDER, {"old": b"new"}),
    ],
)
def test_a_name_is_there_once_its_folder_was_flushed(
    disk: Disk, tmp_path: Path, program: str, expected: dict[str, bytes]
) -> None:
    run(disk, program)
    assert left(disk, tmp_path) == expected


def test_a_spill_brings_some_of_what_was_not_flushed(disk: Disk, tmp_path: Path) -> None:
    run(disk, "f = opened('old', os.O_RDWR)\nfor at in range(11): os.pwrite(f, b'X', at)")
    spilled = left(disk, tmp_path, random.Random(1))["old"]
    assert 0 < spilled.count(b"X") < 11


def test_flushes_are_counted(disk: Disk) -> None:
    assert disk.flushes == 0
    run(disk, NEW + FLUSH_FOLDER + "os.fdatasync(f)")
    assert disk.flushes == 3


def test_files_elsewhere_are_left_alone(disk: Disk, tmp_path: Path) -> None:
    run(disk, f"f = opened({str(tmp_path / 'apart')!r}, os.O_RDWR); os.write(f, b'x'); os.fsync(f)")
    assert (tmp_path / "apart").read_bytes() == b"x"
    assert disk.flushes == 0
