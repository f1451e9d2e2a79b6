# SPDX-License-Identifier: Apache-2.0
"""IRC servers that hang, flood, hang up or talk nonsense."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

GREETING = b":x 001 postbot :x\r\n:x 376 postbot :x\r\n"


class Hostile:
    """Lets `treat` do what it likes with each stream until `is_over`."""

    def __init__(self, treat: Callable[["Hostile", socket.socket], None]) -> None:
        self._treat = treat
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.taken = 0
        self.is_over = threading.Event()
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()

    def _listen(self) -> None:
        while not self.is_over.is_set():
            with suppress(OSError):
                stream, _ = self._listener.accept()
                self.taken += 1
                self._threads.append(
                    threading.Thread(target=self._serve, args=(stream,), daemon=True)
                )
                self._threads[-1].start()

    def _serve(self, stream: socket.socket) -> None:
        with stream, suppress(OSError):
            stream.settimeout(5)
            self._treat(self, stream)

    def stop(self) -> None:
        """End it."""
        self.is_over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(20)


def hang(server: Hostile, stream: socket.socket) -> None:
    server.is_over.wait(30)


def greet_and_hang(server: Hostile, stream: socket.socket) -> None:
    stream.sendall(GREETING)
    server.is_over.wait(30)


def flood(server: Hostile, stream: socket.socket) -> None:
    stream.sendall(GREETING)
    while not server.is_over.is_set():
        with suppress(TimeoutError):
            stream.sendall(b":amy!u@h PRIVMSG postbot :.help\r\nPING x\r\n" * 2_000)


def endless_line(server: Hostile, stream: socket.socket) -> None:
    while not server.is_over.is_set():
        stream.sendall(b"x" * 65_536)


def hang_up(server: Hostile, stream: socket.socket) -> None:
    stream.sendall(GREETING + b"ERROR :go away\r\n")


def nonsense(server: Hostile, stream: socket.socket) -> None:
    stream.sendall(bytes(range(256)) * 8 + b"\r\n \r\n:\r\n@\r\n: :\r\n303\r\n330 a\r\n" + GREETING)
    server.is_over.wait(30)
