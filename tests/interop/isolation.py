# SPDX-License-Identifier: Apache-2.0
"""A network of its own, with nothing in it but 127.0.0.1, and a host name that would tell.

Mail programs, and Thunderbird above all, ask the network for much by themselves. Here nothing can
leave the machine: what the test thread starts lives in a network namespace with a loopback only,
and in a host name namespace, so that a program that tells the machine's name tells HOST_NAME.

Only root can enter them and come back. Other users get the same tests without the namespaces: the
programs' own set-up then is all that keeps them on this machine, as it is on every user's.
"""

import ctypes
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

HAS_OWN_NETWORK = os.geteuid() == 0
HOST_NAME = "tell-tale-laptop" if HAS_OWN_NETWORK else socket.gethostname()
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET of clone(2)
_NEW_HOST_NAME = 0x04000000  # CLONE_NEWUTS
_NAMESPACES = {"net": _NEW_NETWORK, "uts": _NEW_HOST_NAME}


@contextmanager
def loopback_only() -> Iterator[None]:
    """Put this thread, and what it starts, where only 127.0.0.1 is."""
    if not HAS_OWN_NETWORK:
        yield
        return
    with ExitStack() as stack:
        for name, kind in _NAMESPACES.items():
            outside = os.open(Path("/proc/thread-self/ns") / name, os.O_RDONLY | os.O_CLOEXEC)
            stack.callback(os.close, outside)
            _call("unshare", kind)
            stack.callback(_call, "setns", outside, kind)
        socket.sethostname(HOST_NAME)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)
        yield


def _call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
