# SPDX-License-Identifier: Apache-2.0
"""A mail server that takes connections and says nothing."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def silent_host(address: str) -> Iterator[list[socket.socket]]:
    """Listen at port 25; gives the connections that were taken."""
    taken: list[socket.socket] = []
    listener = socket.create_server((address, 25))

    def accept() -> None:
        with suppress(OSError):  # the listener was shut down
            while True:
                taken.append(listener.accept()[0])

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        for each in (listener, *taken):
            each.close()
