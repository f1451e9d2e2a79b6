# SPDX-License-Identifier: Apache-2.0
"""`eepost trial`: one command from nothing to mail that went out and came back."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.isolation import HAS_OWN_NETWORK, loopback_only

# Its ports are the usual ones: they are free in a network of one's own only.
pytestmark = pytest.mark.skipif(not HAS_OWN_NETWORK, reason="needs root for a network of its own")
SECONDS = 120


@pytest.fixture
def alone() -> Iterator[None]:
    with loopback_only():
        yield


def run_until_it_serves(data: Path) -> str:
    """Run a trial until it serves, end it as Ctrl-C does, and return what it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "eepost", "trial", "--data", str(data)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    late = threading.Timer(SECONDS, process.kill)
    late.start()
    try:
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if line.startswith("Serving until Ctrl-C"):
                process.send_signal(signal.SIGINT)
        assert process.wait() == 0, printed
    finally:
        late.cancel()
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    return printed


def test_one_command_shows_mail_inside_and_out_and_back(alone: None, tmp_path: Path) -> None:
    data = tmp_path / "post-office"
    printed = run_until_it_serves(data)
    _, _, answer = printed.partition("The answer came back through the gateway")
    assert "Return-Path: <robot@far.example>" in answer
    assert "> From: Alice <alice@post.example>" in answer
    assert answer.count("> DKIM-Signature: ") == 2
    assert answer.count("> Received: ") == 1
    for leak in ("laptop", "203.0.113.7", "SomeMailer", "+0300", "mail.i2p>\n> "):
        assert leak not in answer
    assert not list(data.glob("invitation")), "its secret stands with both sides and nowhere else"
    again = run_until_it_serves(data)
    assert "Going on with the post office" in again
    assert "Serving until Ctrl-C" in again
