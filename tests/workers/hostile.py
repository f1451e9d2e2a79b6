# SPDX-License-Identifier: Apache-2.0
"""A forkserver whose workers do what a job's head says, however bad: `-m tests.workers.hostile`.

A head is a name and an argument. What an attempt got goes back as the message.
"""

import codecs
import ctypes
import os
import sys
import threading
from collections.abc import Callable
from struct import pack

from eepost.sanitise.outcome import Sanitised
from eepost.sanitise.report import Report
from eepost.workers import forkserver, seccomp
from eepost.workers.answers import Pieces, write_outcome
from eepost.workers.worker import Work
from tests.workers.attempts import ATTEMPTS


def passed(octets: bytes | memoryview) -> tuple[bytes, Pieces]:
    return write_outcome(Sanitised((octets,), Report({"passed": 1})))


def attempt(name: str, argument: str) -> bytes:
    try:
        return b"got " + ATTEMPTS[name](argument).encode()
    except (OSError, RuntimeError, ValueError) as error:  # ValueError: a limit can't be raised
        return f"refused {type(error).__name__}".encode()


def echo(_: str, message: bytearray) -> tuple[bytes, Pieces]:
    return passed(memoryview(message))


def tell_pid(_: str, _message: bytearray) -> tuple[bytes, Pieces]:
    return passed(str(os.getpid()).encode())


def tell_environment(_: str, _message: bytearray) -> tuple[bytes, Pieces]:
    return passed("\n".join(f"{name}={value}" for name, value in os.environ.items()).encode())


def spin(_: str, _message: bytearray) -> tuple[bytes, Pieces]:
    while True:
        pass


def hang(_: str, _message: bytearray) -> tuple[bytes, Pieces]:
    lock = threading.Lock()
    with lock:
        lock.acquire()
    raise AssertionError


def fail(_: str, message: bytearray) -> tuple[bytes, Pieces]:
    raise ValueError(bytes(message))


def eat(_: str, _message: bytearray) -> tuple[bytes, Pieces]:
    eaten = []
    while True:
        eaten.append(bytearray(10_000_000))


def eat_in_c(_: str, _message: bytearray) -> tuple[bytes, Pieces]:
    malloc = ctypes.CDLL(None).malloc
    malloc.restype = ctypes.c_void_p
    while True:
        ctypes.memset(malloc(10_000_000), 1, 10_000_000)  # as code that never asks whether it got


def recurse(_: str, message: bytearray) -> tuple[bytes, Pieces]:
    return recurse(_, message)


def point_nowhere(_: str, _message: bytearray) -> tuple[bytes, Pieces]:
    ctypes.string_at(0)
    raise AssertionError


def leave(code: str, _message: bytearray) -> tuple[bytes, Pieces]:
    os._exit(int(code))


def abort(_: str, _message: bytearray) -> tuple[bytes, Pieces]:
    os.abort()


def claim_sizes(sizes: str, _message: bytearray) -> tuple[bytes, Pieces]:
    os.writev(0, [pack("!II", *map(int, sizes.split(",")))])
    return hang("", _message)


def answer_noise(_: str, _message: bytearray) -> tuple[bytes, Pieces]:
    return os.urandom(100), ()


def answer_twice(_: str, message: bytearray) -> tuple[bytes, Pieces]:
    head, pieces = passed(b"one")
    os.writev(0, [pack("!II", len(head), 3), head, *pieces] * 2)
    return hang("", message)


def answer_for_ever(_: str, _message: bytearray) -> tuple[bytes, Pieces]:
    while True:
        os.writev(0, [bytes(65_536)])


JOBS: dict[str, Callable[[str, bytearray], tuple[bytes, Pieces]]] = {
    each.__name__: each
    for each in (
        *(echo, tell_pid, tell_environment, spin, hang, fail, eat, eat_in_c, recurse),
        *(point_nowhere, leave, abort, claim_sizes, answer_noise, answer_twice),
        answer_for_ever,
    )
}


def work(head: bytes, message: bytearray) -> tuple[bytes, Pieces]:
    name, _, argument = head.decode().partition(" ")
    if name in ATTEMPTS:
        return passed(attempt(name, argument))
    return JOBS[name](argument, message)


def load() -> Work:
    for name in ("ascii", "idna"):  # not for want of these shall an attempt fail
        codecs.lookup(name)
    return work


if __name__ == "__main__":
    if "--without-list" in sys.argv:
        sys.argv.remove("--without-list")
        # The other means alone, as on a machine that there is no list of system calls for.
        seccomp.is_known_machine = lambda: False
    forkserver.main(load)
