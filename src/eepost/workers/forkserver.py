# SPDX-License-Identifier: Apache-2.0
"""The program that workers are forked from: `python -m eepost.workers.forkserver`.

It runs beside the post office, begun before the start key is read and a socket opened, and as a new
program, so that nothing of the post office's memory is in it. It does what two words on its
standard input say, start a worker or end one, and never sees a message. What a worker needs is
loaded when the first is wanted; a fork then takes some milliseconds, and most memory is shared.

Trust: only the post office holds the other end of its standard input.
"""

import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct

from eepost.workers import jail
from eepost.workers.worker import Work, serve

# What is wanted, and which worker: numbers are the post office's, and never used twice.
ORDER = Struct("!cI")
START, END = b"S", b"E"

_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class Forkserver:
    """Starts and ends workers. `load` returns what a worker does, ready to be forked."""

    control: socket.socket
    load: Callable[[], Work]
    memory_octets: int  # that a worker may map beyond what it begins with
    _work: Work | None = None
    _address_space: int = 0
    _pids: dict[int, int] = field(default_factory=dict)  # of those that were not yet waited for

    def run(self, wake: socket.socket) -> None:
        """Do as told until the post office is gone; `wake` can be read when a worker has ended."""
        while True:
            ready, _, _ = select.select([self.control, wake], [], [])
            if wake in ready:
                wake.recv(4_096)
                self._bury()
            if self.control in ready and not self._obey():
                break
        for pid in self._pids.values():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _obey(self) -> bool:
        """Follow one order; False where there will be no other."""
        order, handles, _, _ = socket.recv_fds(self.control, ORDER.size, 1)
        if not order:
            return False
        word, number = ORDER.unpack(order)
        if word == START:
            self._start(number, handles[0])
        elif number in self._pids:  # else it has ended, and its id may be another's by now
            os.kill(self._pids[number], signal.SIGKILL)
        return True

    def _start(self, number: int, handle: int) -> None:
        if self._work is None:
            self._work = self.load()
            jail.leave_network()
            self._address_space = jail.address_space_octets() + self.memory_octets
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError:  # too many processes: the post office sees that nobody has the socket
            os.close(handle)
            return
        if pid:
            self._pids[number] = pid
            os.close(handle)
            return
        try:
            _become_worker(handle, parent, self._address_space)
            serve(0, self._work)
        finally:
            os._exit(0)  # whatever happened, what follows is the forkserver's

    def _bury(self) -> None:
        for number, pid in tuple(self._pids.items()):
            if os.waitpid(pid, os.WNOHANG)[0]:
                del self._pids[number]


def _become_worker(handle: int, parent: int, address_space: int) -> None:
    signal.set_wakeup_fd(-1)
    os.dup2(handle, 0)
    os.closerange(1, os.sysconf("SC_OPEN_MAX"))
    jail.shut_in(parent, address_space)


def main(load: Callable[[], Work]) -> None:
    """Be a forkserver; the argument is how many octets of memory a message may take."""
    jail.keep_private()
    for number in _IGNORED:
        # These reach the whole process group or unit; open transactions are to be finished first.
        signal.signal(number, signal.SIG_IGN)
    wake, waker = socket.socketpair()
    waker.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    Forkserver(socket.socket(fileno=0), load, int(sys.argv[1])).run(wake)


def _load() -> Work:
    from eepost.workers.jobs import load  # noqa: PLC0415 - costs memory, and may never be needed

    return load()


if __name__ == "__main__":
    main(_load)
