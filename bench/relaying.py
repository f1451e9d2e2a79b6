# SPDX-License-Identifier: Apache-2.0
"""How fast mail leaves for the Internet: submitted, queued, brought over one hop to a server there.

eepost: a core and a gateway, linked over loopback. Postfix: a submission service and a second
Postfix. Each measurement is a process of its own in a network that nothing leaves
(`python -m bench.relaying CONTENDER FOLDER`); it ends with its figures as JSON.
"""

import itertools
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from bench.dialogues import SmtpLogin
from bench.eepost import Eepost, eepost_command, prepare, run_eepost
from bench.figures import Figures
from bench.letters import Mangled, stationery, token
from bench.load import Dialogue, drive
from bench.offices import (
    DOMAIN,
    HOST,
    Unfit,
    fill,
    free_port,
    logins,
    running,
    spawn,
    tool,
    wait_for,
)
from bench.outside import ADDRESS, RESOLVER, far_server, resolver
from bench.outside import DOMAIN as FAR
from bench.peers import PostfixDovecot
from bench.processes import cpu_seconds, end, memory, sweep, tree

MESSAGES = 1_000
_WARM_UP = 50
_OCTETS = 4_096
_CLIENTS = 20
_ACCOUNTS = 5
_PEOPLE = 20  # that all letters go to
_OFFICIAL = "post.example"
_PATIENCE_SECONDS = 300.0
_STOP_SECONDS = 20.0
_SETTINGS = Path(__file__).parent / "settings"


class EepostWithGateway(Eepost):
    """A core with a gateway beside it; accounts delay nothing."""

    def __init__(self, folder: Path) -> None:
        official = ("--official", _OFFICIAL)
        super().__init__(folder, prepare(folder / "prepared", logins(_ACCOUNTS), official))
        self._core, self._gateway_data = folder / "data", folder / "gateway"
        for login in self.logins:
            name = login.user.decode().partition("@")[0]
            run_eepost("account", "set", name, "--delay", "none", "--data", self._core)
        printed = run_eepost(
            *("gateway", "init", "--data", self._gateway_data, "--host", f"mx.{_OFFICIAL}"),
            *("--internal", DOMAIN, *official),
        )
        self._pair(printed.partition("Its address in I2P is ")[2].split()[0])

    def _pair(self, address: str) -> None:
        link, core = free_port(), free_port()
        _change(self._core / "eepost.toml", "gateways", f'listen = "{HOST}:{core}"')
        _change(self._core / "eepost.toml", "outgoing", "messages = 1_000_000")
        gateway = self._gateway_data / "gateway.toml"
        _change(gateway, "link", f'listen = "{HOST}:{link}"\ncore = "port {HOST}:{core}"')
        _change(gateway, "dns", f'resolver = "{RESOLVER}"')
        invitation = self._folder / "invitation"
        run_eepost(
            *("gateway", "add", "first", address, "--data", self._core),
            *("--out", invitation, "--way", f"port {HOST}:{link}"),
        )
        run_eepost("gateway", "pair", invitation, "--data", self._gateway_data)

    def start(self, prefix: Sequence[str] = ()) -> None:
        """Start both, and wait until they are linked. Raises Unfit."""
        super().start(prefix)
        command = (*prefix, *eepost_command("gateway", "serve", "--data", self._gateway_data))
        self._gateway = spawn(command, self._folder)
        self.roots = (*self.roots, self._gateway.pid)

    def stop(self) -> None:
        """End both."""
        if len(self.roots) > 1:
            end(self._gateway)
        super().stop()


class PostfixWithHop(PostfixDovecot):
    """A submission service, and a second Postfix that everything for elsewhere passes."""

    def __init__(self, folder: Path) -> None:
        self._hop = folder / "hop"
        self._hop_port = free_port()
        super().__init__(folder, logins(_ACCOUNTS))
        values: dict[str, object] = {
            "DIR": folder,
            "DOMAIN": DOMAIN,
            "HOP_PORT": self._hop_port,
            "FAR": ADDRESS,
        }
        for name in ("hop", "hop-state", "hop-queue"):
            (folder / name).mkdir()
        shutil.chown(folder / "hop-state", "postfix")
        for name, to in (("hop.cf", "main.cf"), ("hop-master.cf", "master.cf")):
            (self._hop / to).write_text(fill(_SETTINGS / name, values))
        with (folder / "postfix" / "main.cf").open("a") as settings:
            settings.write(fill(_SETTINGS / "relay.cf", values))
        with (folder / "postfix" / "master.cf").open("a") as services:
            services.write("smtp      unix  - - n -   - smtp\n")

    def start(self, prefix: Sequence[str] = ()) -> None:
        """Start both. Raises Unfit."""
        subprocess.run([tool("postfix"), "-c", self._hop, "check"], check=True)
        command = (*prefix, tool("postfix"), "-c", str(self._hop), "start-fg")
        self._hop_master = spawn(command, self._folder)
        wait_for((HOST, self._hop_port), self._hop_master)
        super().start(prefix)
        self.roots = (*self.roots, self._hop_master.pid)

    def stop(self) -> None:
        """End both."""
        pids = tree([self._hop_master.pid])
        subprocess.run([tool("postfix"), "-c", self._hop, "stop"], check=False)
        sweep(self._hop_master, pids, _STOP_SECONDS)
        super().stop()


MAKERS: dict[str, Callable[[Path], Eepost | PostfixDovecot]] = {
    "eepost": EepostWithGateway,
    "postfix": PostfixWithHop,
}


def measured_relay(contender: str, folder: Path) -> Figures:
    """Measure in a process of its own. Raises Unfit."""
    command = (*("unshare", "--net", sys.executable, "-m", "bench.relaying"), contender, folder)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise Unfit(f"measuring the relay of {contender} ended with {done.returncode}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _measure(contender: str, folder: Path) -> Figures:
    for command in (("link", "set", "lo", "up"), ("addr", "add", f"{ADDRESS}/32", "dev", "lo")):
        subprocess.run(["ip", *command], check=True)
    service = MAKERS[contender](folder)
    with resolver(folder), far_server() as told, running(service):
        return _load(service, _Arrivals(told))


class _Arrivals:
    """Counts what comes at the far server, with the instants."""

    def __init__(self, told: IO[bytes]) -> None:
        self.instants: list[float] = []
        threading.Thread(target=self._listen, args=(told,), daemon=True).start()

    def _listen(self, told: IO[bytes]) -> None:
        for _ in told:
            self.instants.append(time.perf_counter())

    def wait_for(self, count: int) -> float:
        """Return when message `count` came. Raises Mangled."""
        deadline = time.perf_counter() + _PATIENCE_SECONDS
        while len(self.instants) < count:
            if time.perf_counter() > deadline:
                raise Mangled(f"{len(self.instants)} messages came out of {count}")
            time.sleep(0.01)
        return self.instants[count - 1]


def _load(service: Eepost | PostfixDovecot, arrivals: _Arrivals) -> Figures:
    letters = _letters(service)
    drive(service.smtp, map(SmtpLogin, service.logins), 4)
    drive(service.smtp, itertools.islice(letters, _WARM_UP), _CLIENTS)
    arrivals.wait_for(_WARM_UP)
    cpu = cpu_seconds(service.roots)
    begun = time.perf_counter()
    outcome = drive(service.smtp, itertools.islice(letters, MESSAGES), _CLIENTS)
    seconds = arrivals.wait_for(_WARM_UP + MESSAGES) - begun
    held = memory(service.roots)
    return {
        "rate": MESSAGES / seconds,
        "accepted_rate": outcome.rate,
        "cpu_ms": (cpu_seconds(service.roots) - cpu) / MESSAGES * 1_000,
        "memory_mb": held.proportional / 1e6,
        "processes": held.processes,
    }


def _letters(service: Eepost | PostfixDovecot) -> Iterator[Dialogue]:
    paper = stationery(_OCTETS)
    for number in itertools.count():
        sender = service.logins[number % len(service.logins)]
        recipient = b"person%d@%b" % (number % _PEOPLE, FAR.encode())
        letter = paper.letter(sender.user, recipient, token(1, number))
        yield service.sending(sender, recipient, letter)


def _change(file: Path, section: str, line: str) -> None:
    """Put a line into a section of a configuration, in which it stands as a comment so far."""
    text = file.read_text()
    keys = [each.partition(" = ")[0] for each in line.splitlines()]
    head, mark, tail = text.partition(f"\n[{section}]\n")
    if not mark:
        raise Unfit(f"{file} has no section {section}")
    kept = [each for each in tail.splitlines() if each.partition(" = ")[0] not in keys]
    file.write_text("\n".join([head, f"[{section}]", line, *kept, ""]))


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], Path(sys.argv[2]))))
