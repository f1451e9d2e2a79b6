# SPDX-License-Identifier: Apache-2.0
"""Takes from a process what it does not need, step by step and for good (docs/workers.md).

Each step holds by itself, so that a hole in one opens nothing.
"""

import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

from eepost.workers import seccomp
from eepost.workers.system import prctl, unshare

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x08000000, 0x10000000, 0x40000000

# Where memory runs out, the kernel ends a worker, whose message is then tried again, rather than
# the post office: 1000 is "first of all" (proc_pid_oom_score_adj(5)).
_FIRST_OF_ALL = "1000"


def keep_private() -> None:
    """Let nobody look into this process or its children, nor these become anybody else.

    Raises OSError.
    """
    with suppress(OSError):  # where /proc is missing or guarded, the kernel chooses by size
        Path("/proc/self/oom_score_adj").write_text(_FIRST_OF_ALL, encoding="ascii")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prctl(_PR_SET_DUMPABLE, 0)
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def leave_network() -> bool:
    """Go where there is no network and, if this is root, no power over the machine; say if it was.

    Where namespaces are forbidden (in containers, often) the list of system calls has to do alone.
    """
    try:
        unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC)
    except OSError:
        return False
    prctl(_PR_SET_DUMPABLE, 0)  # what a new namespace makes of it is the system's setting
    return True


def address_space_octets() -> int:
    """Return how much memory this process has mapped."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def shut_in(parent: int, address_space: int) -> None:
    """Make this process a worker: it ends with `parent` and has its open files, no others.

    `address_space` is the most memory in octets that it may ever map. Raises OSError.
    """
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise OSError("the forkserver ended before its worker began")
    limits = (
        (resource.RLIMIT_AS, address_space),
        (resource.RLIMIT_FSIZE, 0),  # no file grows by an octet
        (resource.RLIMIT_NPROC, 0),  # no process, no thread
        (resource.RLIMIT_NOFILE, 1),  # nothing beside the socket, which is number 0
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    )
    for kind, most in limits:
        resource.setrlimit(kind, (most, most))
    if seccomp.is_known_machine():
        seccomp.confine()
