# SPDX-License-Identifier: Apache-2.0
"""Builds the shim, and looks at what a loss of power would have left.

shim = build_shim(tmp_path)
disk = Disk(shim, live=tmp_path / "live", durable=tmp_path / "durable").prepare()
child = subprocess.Popen([...], env={**os.environ, **disk.environment})
child.kill(); child.wait()
disk.after_power_loss(tmp_path / "found")  # a copy to open
"""

import os
import random
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

_RECORD = Struct("=QQ")
_TRUNCATED = 2**64 - 1
_OWN = (".inodes", ".dirty", ".flushes")


def build_shim(folder: Path) -> Path:
    """Compile the shim into `folder` and return it. Needs gcc (requirements/debian-tests.txt)."""
    library = folder / "crash-shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run(
        [
            *("gcc", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-pthread"),
            *("-o", str(library), str(source), "-ldl"),
        ],
        check=True,
    )
    return library


@dataclass(frozen=True)
class Disk:
    """A folder whose files count as durable only once they are flushed."""

    shim: Path
    live: Path
    durable: Path

    def prepare(self) -> "Disk":
        """Begin: what lies in the live folder now is durable."""
        self.live.mkdir(mode=0o700, exist_ok=True)
        for name in ("", ".inodes", ".dirty"):
            (self.durable / name).mkdir(mode=0o700, exist_ok=True)
        for file in self.live.rglob("*"):
            target = self.durable / file.relative_to(self.live)
            if file.is_dir():
                target.mkdir(mode=0o700, exist_ok=True)
            else:
                inode = self.durable / ".inodes" / str(file.stat().st_ino)
                shutil.copy(file, inode)  # with its mode: a start key must not be readable
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.link(inode, target)
        return self

    @property
    def environment(self) -> dict[str, str]:
        """What the program's environment must have."""
        return {
            "LD_PRELOAD": str(self.shim),
            "SHIM_LIVE": str(self.live),
            "SHIM_DURABLE": str(self.durable),
        }

    @property
    def flushes(self) -> int:
        """How often the program has flushed a file or folder so far."""
        counted = self.durable / ".flushes"
        return counted.stat().st_size if counted.exists() else 0

    def after_power_loss(self, found: Path, spill: random.Random | None = None) -> Path:
        """Copy what was durable to `found`; the program must be dead.

        With `spill` some of the writes that were not flushed are there as well, others not: a disk
        may have written them already, and in any order.
        """
        shutil.copytree(self.durable, found, ignore=shutil.ignore_patterns(*_OWN))
        if spill is not None:
            for file in self.live.iterdir():
                target = found / file.name
                log = self.durable / ".dirty" / str(file.stat().st_ino)
                if file.is_file() and target.exists() and log.exists():
                    _spill(file.read_bytes(), log.read_bytes(), target, spill)
        return found


def _spill(content: bytes, log: bytes, target: Path, chance: random.Random) -> None:
    with target.open("r+b") as stream:
        for offset, length in _RECORD.iter_unpack(log[: len(log) - len(log) % _RECORD.size]):
            if chance.random() < 0.5:
                continue
            if length == _TRUNCATED:
                stream.truncate(offset)
            else:
                stream.seek(offset)
                stream.write(content[offset : offset + length])
