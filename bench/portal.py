# SPDX-License-Identifier: Apache-2.0
"""How long a member waits for the first octet of a page, on loopback, one request after another."""

import socket
import statistics
import tempfile
import time
from pathlib import Path

from tests.office import PASSWORD, PostOffice
from tests.portal.browser import Browser

from bench.figures import Figures, percentile

PATHS = ("/mailbox", "/outgoing", "/cleaning", "/book?q=a", "/key", "/help")
_ROUNDS = 50


def first_bytes() -> Figures:
    """Start a post office, sign in, and ask for each page many times."""
    with tempfile.TemporaryDirectory() as scratch:
        office = PostOffice(Path(scratch) / "office").create()
        office.add("alice")
        office.start()
        try:
            browser = Browser(office.portal_port)
            browser.submit("/sign-in", name="alice", password=PASSWORD)
            cookie = f"visit={browser.cookies['visit']}"
            waits = [_wait(office.portal_port, path, cookie) for path in PATHS * _ROUNDS]
        finally:
            office.stop()
    return {
        "first_byte_ms": statistics.median(waits) * 1_000,
        "first_byte_p99_ms": percentile(waits, 99) * 1_000,
    }


def _wait(port: int, path: str, cookie: str) -> float:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        begun = time.perf_counter()
        connection.sendall(request.encode())
        first = connection.recv(1)
        waited = time.perf_counter() - begun
        while connection.recv(65_536):
            pass
    if first != b"H":
        raise RuntimeError("the portal did not answer")
    return waited
