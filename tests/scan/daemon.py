# SPDX-License-Identifier: Apache-2.0
"""A real clamd with signatures of the test's own."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from eepost.net.canary import eicar

EICAR_NAME = "Local.Eicar-Test.UNOFFICIAL"
FILE_NAME = "ClamAV-Test-File.UNOFFICIAL"
START_SECONDS = 30

# Like those in docs/scanner.md, but so low that a test reaches them in no time.
OPTIONS = {
    "Foreground": "yes",
    "AlertExceedsMax": "yes",
    "StreamMaxLength": "32M",
    "MaxScanSize": "20M",
    "MaxFileSize": "40M",
    "MaxRecursion": "40",
    "PhishingScanURLs": "no",
}


@dataclass
class Daemon:
    """clamd in a folder of its own; nothing outside is read or written."""

    folder: Path
    options: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.folder / "clamd.ctl"

    @property
    def conf(self) -> Path:
        return self.folder / "clamd.conf"

    @property
    def signatures(self) -> Path:
        return self.folder / "signatures"

    def create(self) -> "Daemon":
        """Write configuration and signatures."""
        self.signatures.mkdir(parents=True)
        (self.folder / "tmp").mkdir()
        (self.signatures / "local.ndb").write_text(f"Local.Eicar-Test:0:*:{eicar().hex()}\n")
        (self.signatures / "test.hdb").write_text(
            "aa15bcf478d165efd2065190eb473bcb:544:ClamAV-Test-File\n"
        )
        self.configure()
        return self

    def configure(self, **options: str) -> None:
        """Write the configuration anew, with `options` changed for good."""
        self.options |= options
        own = {
            "LocalSocket": str(self.socket),
            "LocalSocketMode": "600",
            "DatabaseDirectory": str(self.signatures),
            "TemporaryDirectory": str(self.folder / "tmp"),
        }
        lines = [f"{name} {value}\n" for name, value in (own | OPTIONS | self.options).items()]
        self.conf.write_text("".join(lines))

    def start(self) -> "Daemon":
        """Start it and wait until it answers."""
        binary = shutil.which("clamd", path="/usr/sbin:/usr/bin")
        assert binary is not None, "clamav-daemon is not installed"
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [binary, "--config-file", str(self.conf)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.02)
        return self

    def answers(self) -> bool:
        """Ask PING."""
        try:
            with socket.socket(socket.AF_UNIX) as talk:
                talk.settimeout(5)
                talk.connect(str(self.socket))
                talk.sendall(b"zPING\0")
                return talk.recv(100) == b"PONG\0"
        except OSError:
            return False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send it a signal: SIGSTOP leaves it hanging."""
        os.kill(self.pid, number)

    def end(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None


@contextmanager
def running(folder: Path, **options: str) -> Iterator[Daemon]:
    """Run clamd in `folder` with `options` changed."""
    daemon = Daemon(folder, options).create()
    try:
        yield daemon.start()
    finally:
        daemon.end()
