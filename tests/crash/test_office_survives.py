# SPDX-License-Identifier: Apache-2.0
"""What was answered with 250 is there after any crash, whole, and can be read over POP3.

Each round kills a post office under load at a random instant: once its process dies, once the
power fails and everything that was not flushed is thrown away.
"""

import random
import re
import shutil
import smtplib
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.crash.shim import Disk, build_shim
from tests.office import PASSWORD, PostOffice, address

pytestmark = pytest.mark.crash

UNSYNCED = Path(__file__).parent / "unsynced"
NAMES = ("alice", "bob", "carol", "dave")
CLIENTS = 8
ROUNDS = 6
LARGE_OCTETS = 700_000
TOKEN = re.compile(rb"token-[0-9]+-[0-9]+")


@dataclass
class Load:
    """Clients that send until the post office is gone, and what it said 250 to."""

    office: PostOffice
    acknowledged: list[tuple[str, bytes, int]] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self) -> None:
        for client in range(CLIENTS):
            thread = threading.Thread(target=self._send, args=(client,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _send(self, client: int) -> None:
        sender = NAMES[client % len(NAMES)]
        try:
            with smtplib.SMTP(
                "127.0.0.1", self.office.smtp_port, local_hostname="x", timeout=30
            ) as smtp:
                smtp.login(sender, PASSWORD)
                for number in range(100_000):
                    self._send_one(smtp, client, number, sender)
        except (OSError, smtplib.SMTPException, ValueError):
            return  # the crash

    def _send_one(self, smtp: smtplib.SMTP, client: int, number: int, sender: str) -> None:
        token = f"token-{client}-{number}".encode()
        recipients = random.Random(f"{client} {number}").sample(NAMES, 1 + number % 2)
        # Now and then a large one, whose first segments are stored ahead of it.
        lines = LARGE_OCTETS // 64 if client == 0 and number % 9 == 8 else 50
        body = (token + b" " + b"x" * 40 + b"\r\n") * lines
        head = f"From: {address(sender)}\r\nSubject: s\r\n\r\n".encode()
        smtp.sendmail(address(sender), [address(each) for each in recipients], head + body)
        self.acknowledged += [(each, token, len(body)) for each in recipients]

    def end(self) -> None:
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()


@dataclass
class Found:
    """What can be fetched after a crash."""

    missing: int
    mangled: int


def look(office: PostOffice, acknowledged: list[tuple[str, bytes, int]]) -> Found:
    bodies: dict[tuple[str, bytes], list[bytes]] = {}
    mangled = 0
    for name in NAMES:
        for message in office.fetch(name):
            body = message.partition(b"\r\n\r\n")[2]
            tokens = set(TOKEN.findall(body))
            if len(tokens) != 1:
                mangled += 1
                continue
            bodies.setdefault((name, tokens.pop()), []).append(body)
    missing = 0
    for name, token, octets in acknowledged:
        copies = bodies.get((name, token), [])
        missing += not copies
        mangled += any(len(copy) != octets for copy in copies)
    return Found(missing, mangled)


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    office = PostOffice(tmp_path_factory.mktemp("fresh") / "office").create()
    office.add(*NAMES)
    return office.directory


def crash(office: PostOffice, seed: int) -> list[tuple[str, bytes, int]]:
    """Kill a post office under load; return what it had acknowledged."""
    with office.start():
        load = Load(office)
        load.begin()
        time.sleep(random.Random(seed).uniform(0.4, 1.5))
        office.kill()
        load.end()
    return load.acknowledged


def crash_without_power(
    fresh: Path, shim: Path, tmp_path: Path, seed: int, environment: dict[str, str]
) -> tuple[PostOffice, list[tuple[str, bytes, int]]]:
    live = shutil.copytree(fresh, tmp_path / f"live-{seed}")
    durable = tmp_path / f"durable-{seed}"
    disk = Disk(shim, live, durable).prepare()
    office = PostOffice(live, environment={**disk.environment, **environment})
    acknowledged = crash(office, seed)
    spill = random.Random(seed) if seed % 2 else None
    found = disk.after_power_loss(tmp_path / f"found-{seed}", spill)
    return PostOffice(found), acknowledged


def test_everything_acknowledged_survives_the_death_of_the_process(
    fresh: Path, tmp_path: Path
) -> None:
    office = PostOffice(shutil.copytree(fresh, tmp_path / "office"))
    acknowledged: list[tuple[str, bytes, int]] = []
    for seed in range(ROUNDS):
        before = len(acknowledged)
        # Tokens of earlier rounds come again: they may be there more than once, never less.
        acknowledged += crash(office, seed)
        assert len(acknowledged) > before + CLIENTS
    with office.start():
        assert look(office, acknowledged) == Found(missing=0, mangled=0)


def test_everything_acknowledged_survives_the_loss_of_power(
    fresh: Path, shim: Path, tmp_path: Path
) -> None:
    for seed in range(ROUNDS):
        office, acknowledged = crash_without_power(fresh, shim, tmp_path, seed, {})
        assert len(acknowledged) > CLIENTS
        with office.start():
            assert look(office, acknowledged) == Found(missing=0, mangled=0), seed


def test_the_same_loss_of_power_is_noticed_where_nothing_is_flushed(
    fresh: Path, shim: Path, tmp_path: Path
) -> None:
    environment = {"PYTHONPATH": str(UNSYNCED)}
    office, acknowledged = crash_without_power(fresh, shim, tmp_path, 2, environment)
    assert len(acknowledged) > CLIENTS
    with office.start():
        assert look(office, acknowledged).missing > 0
