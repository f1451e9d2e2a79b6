# SPDX-License-Identifier: Apache-2.0
"""Runs one mail program: its own home, its own time zone, nothing of this machine's user."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.office import PASSWORD, address

RUN_SECONDS = 60
# Half an hour off any full zone, so that a Date which tells it can't be mistaken for another.
ZONE = "+0930"
_TIME_ZONE = "DARWIN-9:30"
# Some programs refuse to work for root. They are told that it is nobody, who owns root's files.
AS_USER = ("unshare", "--map-user=65534", "--map-group=65534", "--") if os.geteuid() == 0 else ()


@dataclass(frozen=True, slots=True)
class Desk:
    """A user with a mail program: where it may write, and what the user typed into its set-up."""

    home: Path
    smtp_port: int
    pop3_port: int
    account: str
    password: str = PASSWORD

    @property
    def address(self) -> str:
        """The user's address inside."""
        return address(self.account)

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file that only the user can read, as most programs demand of passwords."""
        path = self.home / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(0o600)
        return path

    @property
    def environment(self) -> dict[str, str]:
        """What the program may know of its surroundings."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "USER": "nobody",
            "LOGNAME": "nobody",
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "TZ": _TIME_ZONE,
        }


@dataclass(frozen=True, slots=True)
class Run:
    """How a program ended and what it told its user."""

    code: int
    output: str = field(repr=False)

    @property
    def succeeded(self) -> bool:
        """It says so itself."""
        return self.code == 0


def run(
    desk: Desk, *command: str | Path, given: bytes = b"", extra: Mapping[str, str] | None = None
) -> Run:
    """Run `command` with `given` as its standard input."""
    done = subprocess.run(
        [*AS_USER, *map(str, command)],
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**desk.environment, **(extra or {})},
        cwd=desk.home,
        timeout=RUN_SECONDS,
        check=False,
    )
    return Run(done.returncode, done.stdout.decode(errors="replace"))


def run_on_terminal(desk: Desk, leave: bytes, *command: str | Path) -> Run:
    """Run `command` on a terminal of its own and press `leave` until it does."""
    mine, its = pty.openpty()
    process = subprocess.Popen(
        [*AS_USER, *map(str, command)],
        stdin=its,
        stdout=its,
        stderr=its,
        env=desk.environment,
        cwd=desk.home,
        start_new_session=True,
    )
    os.close(its)
    try:
        shown = _watch(mine, leave)
        return Run(process.wait(5), shown.decode(errors="replace"))
    finally:
        process.kill()
        process.wait()
        os.close(mine)


def _watch(terminal: int, leave: bytes) -> bytes:
    shown = bytearray()
    until = time.monotonic() + RUN_SECONDS
    while time.monotonic() < until:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                shown += os.read(terminal, 65_536)
            except OSError:  # the other end is closed: the program has ended
                break
        elif shown:
            os.write(terminal, leave)
    return bytes(shown)
