# SPDX-License-Identifier: Apache-2.0
"""Stands between a mail program and the post office and keeps what the program said.

Only so can a test know what a program would have told about its user, and see it gone. Its port
stays the same when the post office behind it is started anew on another one.
"""

import socket
import threading
from contextlib import closing, suppress

_CHUNK = 65_536


class Wiretap:
    """A relay on a loopback port; `sessions` holds what each client sent, in order of arrival."""

    def __init__(self, target_port: int) -> None:
        """Relay to `target_port`, which may be changed later."""
        self.target_port = target_port
        self.sessions: list[bytearray] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def heard(self) -> bytes:
        """Everything that clients sent."""
        return b"".join(self.sessions)

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(10)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was shut down
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        heard = bytearray()
        self.sessions.append(heard)
        with closing(client), suppress(OSError):
            server = socket.create_connection(("127.0.0.1", self.target_port))
            with closing(server):
                back = threading.Thread(target=_pump, args=(server, client, None), daemon=True)
                back.start()
                _pump(client, server, heard)
                back.join(60)


def _pump(source: socket.socket, sink: socket.socket, heard: bytearray | None) -> None:
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            if heard is not None:
                heard += chunk
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
