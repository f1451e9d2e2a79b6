# SPDX-License-Identifier: Apache-2.0
"""The post office's hand on the forkserver: begins it, has it start and end workers.

The forkserver is a new program with an environment and open files of its own, so one that is begun
again later knows as little as the first.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Final, Self

from eepost.workers.forkserver import END, ORDER, START

PROGRAM: Final = ("-m", "eepost.workers.forkserver")
# How long a forkserver whose standard input was closed may take to end its workers and itself.
END_SECONDS = 5.0


class NoForkserver(Exception):  # noqa: N818 - an outcome for the pool
    """It can't be begun, or does not listen."""


class Starter:
    """Starts and ends workers. Used as a context manager, it leaves no process behind.

    Enter it before the start key is read and any socket is opened.
    """

    def __init__(self, memory_octets: int, program: Sequence[str] = PROGRAM) -> None:
        """Let a worker map `memory_octets` beyond what it begins with."""
        self._command = [sys.executable, "-s", "-P", *program, str(memory_octets)]
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self.begun = 0  # forkservers; more than one: it died

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The forkserver's process id."""
        return self._process.pid if self._process is not None else None

    def start(self) -> tuple[int, socket.socket]:
        """Start a worker: its number and the socket for its jobs. Raises NoForkserver."""
        ours, theirs = socket.socketpair()
        number = next(self._numbers)
        with theirs:
            try:
                self._order(START, number, [theirs.fileno()])
            except NoForkserver:
                ours.close()
                raise
        ours.setblocking(False)
        return number, ours

    def end(self, number: int) -> None:
        """End a worker, whatever it does. Without a forkserver there is none: it dies with it."""
        with suppress(OSError):
            if self._control is not None:
                self._control.send(ORDER.pack(END, number))

    def stop(self) -> None:
        """End all workers and the forkserver; returns when they are gone."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _order(self, word: bytes, number: int, handles: list[int]) -> None:
        try:
            self._send(word, number, handles)
        except OSError:  # it has died: its workers too
            self._begin_again()
            try:
                self._send(word, number, handles)
            except OSError:
                raise NoForkserver from None

    def _send(self, word: bytes, number: int, handles: list[int]) -> None:
        if self._control is None:
            raise BrokenPipeError
        socket.send_fds(self._control, [ORDER.pack(word, number)], handles)

    def _begin_again(self) -> None:
        if self._process is not None:
            self._process.kill()
        self.stop()
        try:
            self._begin()
        except OSError:
            raise NoForkserver from None

    def _begin(self) -> None:
        # Each order in one piece, with the socket that belongs to it.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                self._command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd="/",
                # Where our own modules come from; "" is the folder that we were started in.
                env={"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
            )
        ours.setblocking(False)  # it reads at once, or something is wrong with it
        self._control = ours
        self.begun += 1
