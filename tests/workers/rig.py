# SPDX-License-Identifier: Apache-2.0
"""Pools over real worker processes, and looks at these from outside."""

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from eepost.sanitise.cleaner import CleaningFailed, Why
from eepost.sanitise.outcome import Sanitised
from eepost.workers.answers import Fault
from eepost.workers.pool import Bounds, Pool
from eepost.workers.starter import PROGRAM, Starter

HOSTILE = ("-m", "tests.workers.hostile")
MEMORY_OCTETS = 134_217_728
PATIENCE_SECONDS = 20.0


@dataclass
class Rig:
    """A pool, its forkserver, and what it told of failures."""

    pool: Pool
    starter: Starter
    told: list[tuple[Why, Fault | None]] = field(default_factory=list)

    async def ask(self, job: str, message: bytes = b"", whose: str | None = "alice") -> bytes:
        """Return what a hostile worker gave back."""
        outcome = await self.pool.clean(job.encode(), message, whose)
        assert isinstance(outcome, Sanitised)
        return b"".join(outcome.pieces)

    async def fails(self, job: str, message: bytes = b"", whose: str | None = "alice") -> Why:
        """Return why a job has no outcome; it must have none."""
        with pytest.raises(CleaningFailed) as caught:
            await self.pool.clean(job.encode(), message, whose)
        return caught.value.why

    def workers(self) -> list[int]:
        """Return the process ids of the forkserver's children that have not ended."""
        assert self.starter.pid is not None
        return children(self.starter.pid)

    async def settle(self, count: int) -> None:
        """Wait until so many workers are there."""
        await until(lambda: len(self.workers()) == count)


@asynccontextmanager
async def running(
    *program: str,
    count: int = 2,
    seconds: float = PATIENCE_SECONDS,
    waiting: int = 100,
    memory_octets: int = MEMORY_OCTETS,
) -> AsyncIterator[Rig]:
    """Run a pool over the forkserver `program`, hostile unless named."""
    with Starter(memory_octets, program or HOSTILE) as starter:
        told: list[tuple[Why, Fault | None]] = []
        pool = Pool(
            starter, Bounds(count, seconds, waiting), lambda why, fault: told.append((why, fault))
        )
        try:
            yield Rig(pool, starter, told)
        finally:
            pool.stop()
            await asyncio.sleep(0)  # sockets are closed in the loop's next turn


REAL = PROGRAM

# That nobody else may look is the point; root does.
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into a worker")


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that another process brings about."""
    latest = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < latest
        await asyncio.sleep(0.01)


def told_by_kernel(pid: int | None, name: str) -> str:
    """Return a file that the kernel has about a process."""
    return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8")


def open_files(pid: int | None) -> list[str]:
    """Return what a process has open: paths and numbers of sockets."""
    found = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # the folder itself, while we look
            found.append(os.readlink(each))
    return found


def children(pid: int, *, buried: bool = True) -> list[int]:
    """Return the ids of a process's children, without zombies or with them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text(encoding="utf-8")
        except OSError:
            continue  # ended meanwhile
        state, parent = text.rpartition(")")[2].split()[:2]
        if int(parent) == pid and not (buried and state == "Z"):
            found.append(int(folder.name))
    return found


def is_running(pid: int) -> bool:
    """Say whether a process is there, as a zombie too."""
    return Path(f"/proc/{pid}").exists()


def wait_until_gone(pid: int) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while is_running(pid):
        assert time.monotonic() < until, f"{pid} goes on"
        time.sleep(0.01)


def without_power(*command: str) -> list[str]:
    """Return a command that runs as this user, but without the powers of root if that is it."""
    power = ["setpriv", "--bounding-set", "-all"] if os.geteuid() == 0 else []
    return [*power, *command]


def may_be_read(path: str) -> bool:
    """Say whether another process of this user may read a file."""
    command = without_power("head", "--bytes=1", path)
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
