# SPDX-License-Identifier: Apache-2.0
"""`eepost trial`: one command from nothing to mail that went out and came back."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.isolation import HAS_OWN_NETWORK, loopback_only

# Its ports are the usual ones: they are free in a network of one's own only.
pytestmark = pytest.mark.skipif(not HAS_OWN_NETWORK, reason="needs root for a network of its own")
SECONDS = 300


@pytest.fixture
def alone() -> Iterator[None]:
    with loopback_only():
        yield


def run_until_it_serves(data: Path, ending: signal.Signals = signal.SIGINT) -> str:
    """Run a trial until it serves, end it, by default as Ctrl-C does; return what it printed."""
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
                process.send_signal(ending)
        assert process.wait() == (0 if ending is signal.SIGINT else -ending), printed
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
    assert "http://127.0.0.1:7670/ in your browser" in again
    assert "Serving until Ctrl-C" in again


def test_gateway_of_a_killed_trial_ends_and_the_next_one_works(alone: None, tmp_path: Path) -> None:
    data = tmp_path / "post-office"
    run_until_it_serves(data, signal.SIGKILL)
    # Else it would hold its ports for ever, and this one's gateway would have none.
    printed = run_until_it_serves(data)
    assert "Stopped." in printed
    log = (data / "gateway" / "log").read_text("utf-8")
    assert "Traceback" not in log
    assert "in use" not in log


def test_trial_says_at_once_that_its_gateway_can_not_work(alone: None, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 7665))
        begun = time.monotonic()
        printed = run_until_it_serves(tmp_path / "post-office")
    assert "The gateway does not work:" in printed
    assert time.monotonic() - begun < SECONDS / 2
