# SPDX-License-Identifier: Apache-2.0
"""The list of system calls, run by a small interpreter for every machine that it is written for."""

import re
from pathlib import Path
from struct import iter_unpack, pack, unpack_from

import pytest

from eepost.workers import seccomp

ALLOW, EPERM, KILL = 0x7FFF0000, 0x00050001, 0x80000000
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "riscv64": 0xC00000F3}
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
    "riscv64": Path("/usr/include/asm-generic/unistd.h"),
}
ALLOWED = (
    *("readv", "writev", "munmap", "mremap", "brk", "madvise", "futex", "rt_sigreturn"),
    *("rt_sigprocmask", "restart_syscall", "sched_yield", "getpid", "getrandom"),
    *("clock_gettime", "gettimeofday", "exit", "exit_group", "mmap", "mprotect"),
)
MACHINES = sorted(AUDIT_ARCH)


def judge(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """Return what the filter says to a call: seccomp(2), struct seccomp_data."""
    arch = AUDIT_ARCH[machine] if architecture is None else architecture
    call = pack("=iIQ6Q", number, arch, 0, *(*arguments, *[0] * 6)[:6])
    code = list(iter_unpack("=HBBI", seccomp.program(machine)))
    register = at = 0
    while True:
        operation, if_so, if_not, value = code[at]
        at += 1
        match operation:
            case 0x20:
                (register,) = unpack_from("=I", call, value)
            case 0x15:
                at += if_so if register == value else if_not
            case 0x45:
                at += if_so if register & value else if_not
            case 0x06:
                return int(value)
            case _:
                raise AssertionError(f"unknown instruction {operation:#x}")


def numbers(machine: str) -> dict[str, int]:
    """Return what the kernel's own headers call each number."""
    text = HEADERS[machine].read_text(encoding="ascii")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)
    return {name: int(number) for name, number in found}


@pytest.mark.parametrize("machine", MACHINES)
def test_list_is_what_the_kernel_calls_these(machine: str) -> None:
    known = numbers(machine)
    wanted = {known[name] for name in ALLOWED}
    assert {n for n in range(700) if judge(machine, n) == ALLOW} == wanted


@pytest.mark.parametrize("machine", MACHINES)
def test_all_others_fail_without_killing(machine: str) -> None:
    known = numbers(machine)
    for name in ("openat", "socket", "connect", "execve", "clone", "kill", "ptrace", "prctl"):
        assert judge(machine, known[name]) == EPERM, name
    assert {judge(machine, n) for n in range(700)} == {ALLOW, EPERM}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["mmap", "mprotect"])
def test_memory_is_given_but_for_code(machine: str, name: str) -> None:
    number = numbers(machine)[name]
    assert judge(machine, number, 0, 4096, 3) == ALLOW
    assert judge(machine, number, 0, 4096, 7) == EPERM
    assert judge(machine, number, 0, 4096, 4) == EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_call_in_another_machines_way_kills(machine: str) -> None:
    """On x86-64 the 32-bit numbers mean other calls (int 0x80)."""
    assert judge(machine, numbers(machine)["getpid"], architecture=0x40000003) == KILL


def test_numbers_of_x32_are_on_no_list() -> None:
    assert judge("x86_64", 0x40000000 | numbers("x86_64")["readv"]) == EPERM
