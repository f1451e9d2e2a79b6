# SPDX-License-Identifier: Apache-2.0
"""A list of the system calls that a worker may make; the kernel refuses it all others (seccomp(2)).

Reading and writing what is open, memory, time, chance, ending: nothing with which to open a file or
socket, start a program, or look at or signal another process. A call that is not on the list fails
with EPERM and does not kill: libraries try things, and do without.
"""

import ctypes
import platform
from collections.abc import Iterator, Mapping
from struct import pack
from typing import Final

from eepost.workers.system import prctl

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2

# Number on x86-64, and on the machines that use Linux's generic table.
_ALLOWED: Final[Mapping[str, tuple[int, int]]] = {
    "readv": (19, 65),
    "writev": (20, 66),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "brk": (12, 214),
    "madvise": (28, 233),
    "futex": (202, 98),
    "rt_sigreturn": (15, 139),
    "rt_sigprocmask": (14, 135),
    "restart_syscall": (219, 128),
    "sched_yield": (24, 124),
    "getpid": (39, 172),
    "getrandom": (318, 278),
    "clock_gettime": (228, 113),
    "gettimeofday": (96, 169),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
# Allowed unless they make memory executable: all code that is needed is there already.
_ALLOWED_FOR_DATA: Final[Mapping[str, tuple[int, int]]] = {
    "mmap": (9, 222),
    "mprotect": (10, 226),
}
# Machine -> what the kernel calls it (AUDIT_ARCH_*), and the column of the tables above.
_MACHINES: Final[Mapping[str, tuple[int, int]]] = {
    "x86_64": (0xC000003E, 0),
    "aarch64": (0xC00000B7, 1),
    "riscv64": (0xC00000F3, 1),
}

# struct seccomp_data: where the number, the architecture and the third argument (its low half: all
# machines here are little-endian) stand.
_NUMBER, _ARCHITECTURE, _PROTECTION = 0, 4, 32
_PROT_EXEC = 4
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06  # BPF codes
_ALLOW, _EPERM, _KILL = 0x7FFF0000, 0x00050001, 0x80000000


def is_known_machine() -> bool:
    """Say whether there is a list for this machine; else a worker is held by the other means."""
    return platform.system() == "Linux" and platform.machine() in _MACHINES


def program(machine: str) -> bytes:
    """Return the filter for `machine` as struct sock_filter[]."""
    architecture, column = _MACHINES[machine]
    allowed = [each[column] for each in _ALLOWED.values()]
    for_data = [each[column] for each in _ALLOWED_FOR_DATA.values()]
    return b"".join(_instructions(architecture, allowed, for_data))


def _instructions(architecture: int, allowed: list[int], for_data: list[int]) -> Iterator[bytes]:
    # Jumps count the instructions that are skipped. The tail, from where the numbers have all been
    # compared: refuse, load, test, refuse, allow, kill.
    count = len(allowed) + len(for_data)
    yield _instruction(_LOAD, _ARCHITECTURE)
    yield _instruction(_EQUAL, architecture, if_not=count + 6)
    yield _instruction(_LOAD, _NUMBER)
    for at, number in enumerate((*allowed, *for_data), 1):
        left = count - at
        yield _instruction(_EQUAL, number, if_so=left + (4 if number in allowed else 1))
    yield _instruction(_RETURN, _EPERM)
    yield _instruction(_LOAD, _PROTECTION)
    yield _instruction(_ANY_BIT, _PROT_EXEC, if_not=1)
    yield _instruction(_RETURN, _EPERM)
    yield _instruction(_RETURN, _ALLOW)
    yield _instruction(_RETURN, _KILL)


def _instruction(code: int, value: int, *, if_so: int = 0, if_not: int = 0) -> bytes:
    return pack("=HBBI", code, if_so, if_not, value)


class _Program(ctypes.Structure):  # struct sock_fprog
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def confine() -> None:
    """Allow this process the calls of the list, from now on and for good. Raises OSError.

    Needs PR_SET_NO_NEW_PRIVS. By prctl(2), since service managers' filters often lack seccomp(2).
    """
    octets = program(platform.machine())
    code = ctypes.create_string_buffer(octets, len(octets))
    whole = _Program(len(octets) // 8, ctypes.addressof(code))
    prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(whole))
