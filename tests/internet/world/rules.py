# SPDX-License-Identifier: Apache-2.0
"""Tells Postfix whom to refuse, at once and in the middle of a session (its policy protocol)."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PORT = 10_031


@contextmanager
def rules(reply_to: Callable[[str], str]) -> Iterator[None]:
    """Answer for each recipient with a reply, or `DUNNO` for none."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked: dict[str, str] = {}
            for line in self.rfile:
                key, _, value = line.decode(errors="replace").strip().partition("=")
                if key:
                    asked[key] = value
                    continue
                self.wfile.write(f"action={reply_to(asked.get('recipient', ''))}\n\n".encode())
                asked.clear()

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    server = Server(("127.0.0.1", PORT), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.daemon = True
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
