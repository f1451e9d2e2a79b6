# SPDX-License-Identifier: Apache-2.0
"""HTTPS hosts that offer MTA-STS policies (RFC 8461 3.3)."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.internet.world.place import POLICIES

PATH = "/.well-known/mta-sts.txt"


@dataclass
class Policies:
    """What each host answers: the policy's text by the host's name, and who asked for what."""

    texts: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@contextmanager
def policy_hosts(chain: Path) -> Iterator[Policies]:
    """Serve policies under a certificate that names all the hosts."""
    policies = Policies()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers["Host"]
            policies.asked.append(host + self.path)
            text = policies.texts.get(host) if self.path == PATH else None
            self.send_response(200 if text is not None else 404)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write((text or "").encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((POLICIES, 443), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.daemon = True
    thread.start()
    try:
        yield policies
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
