# SPDX-License-Identifier: Apache-2.0
"""eepost as it is installed, started by its own command with its own defaults."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.dialogues import Login, Submission
from bench.load import Address, Dialogue
from bench.offices import DOMAIN, HOST, Unfit, free_port, spawn, wait_for
from bench.processes import end

_STOP_SECONDS = 30.0
_PORTAL = '#listen = "127.0.0.1:7670"'


@dataclass(frozen=True, slots=True)
class Prepared:
    """A data directory with the load's accounts, to be copied: passwords are slow on purpose."""

    data: Path
    smtp: Address
    pop3: Address
    logins: Sequence[Login]


def prepare(folder: Path, logins: Sequence[Login], options: Sequence[str] = ()) -> Prepared:
    """Make a post office as an operator does, by its commands; `options` go to `init`.

    Raises Unfit.
    """
    folder.mkdir(parents=True)
    prepared = Prepared(folder / "data", (HOST, free_port()), (HOST, free_port()), logins)
    smtp, pop3 = (f"{host}:{port}" for host, port in (prepared.smtp, prepared.pop3))
    ports = ("--smtp", smtp, "--pop3", pop3)
    run_eepost("init", "--data", prepared.data, "--domain", DOMAIN, *ports, *options)
    _move_portal(prepared.data / "eepost.toml")

    def add(login: Login) -> None:
        name = login.user.decode().partition("@")[0]
        chosen = ("--data", prepared.data, "--password-stdin")
        run_eepost("account", "add", name, *chosen, given=login.password + b"\n")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add, logins))
    return prepared


def _move_portal(configuration: Path) -> None:
    """Let the portal listen where nobody else does; another post office may run here."""
    text = configuration.read_text()
    if _PORTAL not in text:
        raise Unfit(f"{configuration} does not name the portal's port")
    configuration.write_text(text.replace(_PORTAL, f'listen = "{HOST}:{free_port()}"'))


class Eepost:
    """A post office on a copy of what was prepared."""

    def __init__(self, folder: Path, prepared: Prepared) -> None:
        self.smtp = prepared.smtp
        self.pop3 = prepared.pop3
        self.logins = prepared.logins
        self.roots: tuple[int, ...] = ()
        self._folder = folder
        shutil.copytree(prepared.data, folder / "data")

    def start(self, prefix: Sequence[str] = ()) -> None:
        """Start the server and wait until it greets. Raises Unfit."""
        command = (*prefix, *eepost_command("serve", "--data", self._folder / "data"))
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


def eepost_command(*arguments: object) -> tuple[str, ...]:
    """Return a command line of the program that is installed here."""
    # The command beside this interpreter: the environment that the bench itself runs in.
    return (str(Path(sys.executable).parent / "eepost"), *map(str, arguments))


def run_eepost(*arguments: object, given: bytes = b"") -> str:
    """Run a command of eepost to its end and return what it printed. Raises Unfit."""
    done = subprocess.run(eepost_command(*arguments), input=given, capture_output=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise Unfit(f"eepost {arguments[0]} failed: {said[-2000:]}")
    return done.stdout.decode(errors="replace")
