# SPDX-License-Identifier: Apache-2.0
"""eepost as it is installed, started by its own command with its own defaults."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.dialogues import Login, Submission
from bench.load import Address, Dialogue
from bench.offices import DOMAIN, HOST, Unfit, free_port, spawn, wait_for
from bench.processes import end

_STOP_SECONDS = 30.0


class Template:
    """A data directory with the load's accounts, made once: passwords are slow on purpose."""

    def __init__(self, folder: Path, logins: Sequence[Login]) -> None:
        self.logins = logins
        self.smtp: Address = (HOST, free_port())
        self.pop3: Address = (HOST, free_port())
        self.data = folder / "data"
        folder.mkdir(parents=True)
        self._make()

    def _make(self) -> None:
        smtp, pop3 = (f"{host}:{port}" for host, port in (self.smtp, self.pop3))
        _eepost("init", "--data", self.data, "--domain", DOMAIN, "--smtp", smtp, "--pop3", pop3)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self._add, self.logins))

    def _add(self, login: Login) -> None:
        name = login.user.decode().partition("@")[0]
        options = ("--data", self.data, "--password-stdin")
        _eepost("account", "add", name, *options, given=login.password + b"\n")


class Eepost:
    """A post office on a copy of the template."""

    def __init__(self, folder: Path, template: Template) -> None:
        self.smtp = template.smtp
        self.pop3 = template.pop3
        self.logins = template.logins
        self.roots: tuple[int, ...] = ()
        self._folder = folder
        shutil.copytree(template.data, folder / "data")

    def start(self, prefix: Sequence[str] = ()) -> None:
        """Start the server and wait until it greets. Raises Unfit."""
        command = (*prefix, *_command("serve", "--data", self._folder / "data"))
        self._process = spawn(command, self._folder)
        self.roots = (self._process.pid,)
        for address in (self.smtp, self.pop3):
            wait_for(address, self._process)

    def stop(self) -> None:
        """End the server."""
        if self.roots:
            end(self._process, _STOP_SECONDS)
        self.roots = ()

    def sending(self, sender: Login, recipient: bytes, letter: bytes) -> Dialogue:
        """Return the dialogue that brings a letter in."""
        return Submission(sender, recipient, letter)

    def is_settled(self) -> bool:
        """Say yes: 250 means that the message lies in the maildrop."""
        return True


def _command(*arguments: object) -> tuple[str, ...]:
    # The command beside this interpreter: the environment that the bench itself runs in.
    return (str(Path(sys.executable).parent / "eepost"), *map(str, arguments))


def _eepost(*arguments: object, given: bytes = b"") -> None:
    """Run a command of eepost to its end. Raises Unfit."""
    done = subprocess.run(_command(*arguments), input=given, capture_output=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise Unfit(f"eepost {arguments[0]} failed: {said[-2000:]}")
