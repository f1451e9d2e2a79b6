# SPDX-License-Identifier: Apache-2.0
"""What a server's processes use: CPU, memory and flushes, as the kernel counts them."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Memory:
    """What a tree of processes holds, in octets; sockets' buffers in the kernel are not in it."""

    processes: int
    resident: int  # RSS summed: pages that processes share count once for each of them
    proportional: int  # PSS summed: shared pages are divided among those who share them


def tree(roots: Sequence[int]) -> list[int]:
    """Return the processes `roots` and all their living descendants."""
    children: dict[int, list[int]] = {}
    for pid, fields in _all_stats():
        children.setdefault(int(fields[1]), []).append(pid)
    found = list(roots)
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def cpu_seconds(roots: Sequence[int]) -> float:
    """Return user and system time of the trees, with those of their processes that have ended.

    A process that ended counts once its parent has waited for it (cutime, cstime of proc(5)):
    the masters of Postfix and Dovecot do so at once.
    """
    members = set(tree(roots))
    ticks = sum(
        sum(int(fields[at]) for at in (11, 12, 13, 14))  # utime, stime, cutime, cstime
        for pid, fields in _all_stats()
        if pid in members
    )
    return ticks / _TICKS_A_SECOND


def memory(roots: Sequence[int]) -> Memory:
    """Return what the trees hold now."""
    pids = tree(roots)
    rollups = [_rollup(pid) for pid in pids]
    return Memory(
        len(pids),
        sum(each.get("Rss", 0) for each in rollups),
        sum(each.get("Pss", 0) for each in rollups),
    )


def _all_stats() -> Iterator[tuple[int, list[str]]]:
    """Yield each process's fields of /proc/PID/stat from the third (state) on."""
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        yield int(entry.name), stat.rpartition(")")[2].split()


def _rollup(pid: int) -> dict[str, int]:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    except (FileNotFoundError, ProcessLookupError):
        return {}
    except PermissionError:
        # It lets nobody but root look into its memory. It shares none worth mentioning either.
        resident = _resident_octets(pid)
        return {"Rss": resident, "Pss": resident}
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}


def _resident_octets(pid: int) -> int:
    for line in (_PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def end(process: subprocess.Popen[bytes], seconds: float = 30.0) -> None:
    """End a server's whole tree, by pid: SIGTERM to the server, SIGKILL to what is left later."""
    pids = tree([process.pid])
    # strace would let go of its child and leave it running: the child is the server.
    is_traced = isinstance(process.args, tuple) and process.args[0] == "strace"
    _signal(pids[1] if is_traced and len(pids) > 1 else pids[0], signal.SIGTERM)
    sweep(process, pids, seconds)


def sweep(process: subprocess.Popen[bytes], pids: Sequence[int], seconds: float) -> None:
    """Wait until all `pids` are gone, which were told to end; SIGKILL those that stay."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (process.poll() is None or any(map(_lives, pids))):
        time.sleep(0.02)
    for pid in filter(_lives, pids):
        _signal(pid, signal.SIGKILL)
    process.wait()


def _lives(pid: int) -> bool:
    return (_PROC / str(pid)).exists()


def _signal(pid: int, sign: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sign)


class FlushCount:
    """Counts the flushes of a server whose commands are started under `prefix`.

    strace with a seccomp filter: only these calls stop, everything else runs at full speed, so that
    batches are as large as without it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self.prefix = (
            *("strace", "-ff", "--seccomp-bpf", "-qq", "-e", "signal=none"),
            *("-e", "trace=fsync,fdatasync,sync_file_range,msync,sync,syncfs"),
            *("-o", str(folder / "calls")),
        )

    @staticmethod
    def is_possible() -> bool:
        """Tell whether strace is installed."""
        return shutil.which("strace") is not None

    def so_far(self) -> int:
        """Return how many flushes were called until now; strace keeps a file for each thread."""
        return sum(path.read_bytes().count(b"(") for path in self._folder.iterdir())
