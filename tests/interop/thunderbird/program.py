# SPDX-License-Identifier: Apache-2.0
"""Thunderbird as one more program that sends and fetches."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.letters import SUBJECT, TEXT
from tests.interop.running import AS_USER, Desk, Run
from tests.interop.thunderbird import scripts
from tests.interop.thunderbird.marionette import Marionette
from tests.interop.thunderbird.profile import write_profile

START_SECONDS = 60
STOP_SECONDS = 30


def send(desk: Desk, recipient: str) -> Run:
    """Write the letter and send it."""
    with _running(desk, keep=True) as marionette:
        return _outcome(
            marionette.run(
                scripts.SEND,
                password=desk.password,
                recipient=recipient,
                subject=SUBJECT,
                text=TEXT,
            )
        )


def fetch(desk: Desk, keep: bool) -> Run:
    """Press *Get Messages*."""
    with _running(desk, keep) as marionette:
        return _outcome(marionette.run(scripts.FETCH, password=desk.password))


def inbox_file(desk: Desk) -> Path:
    """Where the fetched mail is: Thunderbird stores folders as mbox files."""
    return desk.home / "thunderbird" / "Mail" / "office" / "Inbox"


def _outcome(answer: dict[str, object]) -> Run:
    match answer:
        case {"value": [bool(succeeded), str(told)]}:
            return Run(0 if succeeded else 1, told)
        case _:
            raise AssertionError(answer)


@contextmanager
def _running(desk: Desk, keep: bool) -> Iterator[Marionette]:
    profile = write_profile(desk, keep)
    port_file = profile / "MarionetteActivePort"
    port_file.unlink(missing_ok=True)
    with (desk.home / "thunderbird.log").open("ab") as log:
        process = subprocess.Popen(
            [
                *(*AS_USER, "thunderbird", "--headless", "--no-remote"),
                *("--marionette", "--remote-allow-system-access", "--profile", str(profile)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=desk.environment,
            cwd=desk.home,
            start_new_session=True,
        )
    try:
        marionette = Marionette(_port(port_file, process))
        yield marionette
        marionette.quit()
        process.wait(STOP_SECONDS)
    finally:
        # Its content processes are of the same group; none may outlive the test.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_SECONDS)


def _port(port_file: Path, process: subprocess.Popen[bytes]) -> int:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if port_file.exists() and (text := port_file.read_text().strip()):
            return int(text)
        time.sleep(0.05)
    raise AssertionError(f"Thunderbird did not start (exit code {process.poll()})")
