# SPDX-License-Identifier: Apache-2.0
"""What was answered with 250 for the Internet gets there after any crash.

Each round kills a post office that takes mail in and hands it to a gateway at the same time: once
its process dies, once the power fails. A crash costs a second copy of what was on its way at
that instant, and nothing else.
"""

import random
import re
import shutil
import smtplib
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from eepost.accounts.preferences import Delay
from tests.app.test_cli import eepost
from tests.crash.shim import Disk, build_shim
from tests.far_gateway import FarGateway
from tests.journeys.test_to_the_internet import wait_for
from tests.office import OFFICIAL, PASSWORD, PostOffice, address

pytestmark = pytest.mark.crash

UNSYNCED = Path(__file__).parent / "unsynced"
CLIENTS = 4
ROUNDS = 4
AT_ONCE = 10
LARGE_LINES = 11_000
TOKEN = re.compile(rb"token-[0-9]+-[0-9]+-[0-9]+")
SETTINGS: dict[str, dict[str, Any]] = {
    "mail": {"message_id_domain": OFFICIAL},
    "outgoing": {"messages": 1_000_000, "at_once": AT_ONCE},
    "gateways": {"retry_seconds": 0.2},
}


@dataclass
class Load:
    """Clients that send until the post office is gone, and what it said 250 to."""

    office: PostOffice
    seed: int
    acknowledged: list[bytes] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self) -> None:
        for client in range(CLIENTS):
            thread = threading.Thread(target=self._send, args=(client,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _send(self, client: int) -> None:
        try:
            with smtplib.SMTP(
                "127.0.0.1", self.office.smtp_port, local_hostname="x", timeout=30
            ) as smtp:
                smtp.login("alice", PASSWORD)
                for number in range(100_000):
                    self._send_one(smtp, client, number)
        except (OSError, smtplib.SMTPException, ValueError):
            return  # the crash

    def _send_one(self, smtp: smtplib.SMTP, client: int, number: int) -> None:
        token = f"token-{self.seed}-{client}-{number}".encode()
        recipients = [f"person{number % 5}@example.com"]
        if number % 3 == 0:
            recipients.append(address("bob"))
        lines = LARGE_LINES if client == 0 and number % 9 == 8 else 20
        head = f"From: {address('alice')}\r\nSubject: s\r\n\r\n".encode()
        smtp.sendmail(address("alice"), recipients, head + (token + b" x\r\n") * lines)
        self.acknowledged.append(token)

    def end(self) -> None:
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()


def make(directory: Path, gateway: FarGateway) -> PostOffice:
    office = PostOffice(directory, SETTINGS).create()
    office.add("alice", "bob")
    with office.registry() as registry:
        registry.adjust("alice", lambda each: replace(each, delay=Delay.NONE))
    gateway.introduce_to(directory)
    return office


def crash(office: PostOffice, gateway: FarGateway, seed: int) -> list[bytes]:
    """Kill a post office under load, now and then with its gateway; return what it said 250 to."""
    chance = random.Random(seed)
    with office.start():
        before = len(gateway.arrived)
        load = Load(office, seed)
        load.begin()
        wait_for(lambda: len(gateway.arrived) > before)
        time.sleep(chance.uniform(0.2, 1.0))
        if seed % 2:
            gateway.down()
            gateway.up()
        office.kill()
        load.end()
    return load.acknowledged


def finish(office: PostOffice, gateway: FarGateway, tokens: set[bytes]) -> Counter[bytes]:
    """Let everything leave that waits; return how often each message arrived."""
    with office.start():
        for _ in range(6):
            with suppress(AssertionError):  # whoever asked sees what is missing
                wait_for(lambda: tokens <= set(arrived(gateway)), 5)
            # A gateway that went away in between may have declined some, which wait for minutes.
            done = eepost("queue", "retry", "--all", "--data", office.directory)
            if done.stdout.startswith("0 "):
                break
    return arrived(gateway)


def arrived(gateway: FarGateway) -> Counter[bytes]:
    whole: Counter[bytes] = Counter()
    for each in list(gateway.arrived):
        found = TOKEN.findall(each.content)
        assert len(set(found)) == 1, "messages are not mangled"
        assert len(found) in {20, LARGE_LINES}
        whole[found[0]] += 1
    return whole


def test_everything_acknowledged_reaches_the_gateway_after_the_death_of_the_process(
    tmp_path: Path,
) -> None:
    with FarGateway() as gateway:
        office = make(tmp_path / "office", gateway)
        acknowledged: list[bytes] = []
        for seed in range(ROUNDS):
            before = len(acknowledged)
            acknowledged += crash(office, gateway, seed)
            assert len(acknowledged) > before + CLIENTS
        times = finish(office, gateway, set(acknowledged))
    assert set(acknowledged) - set(times) == set()
    assert sum(times.values()) - len(times) <= ROUNDS * AT_ONCE
    assert max(times.values()) <= 1 + ROUNDS


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim(tmp_path_factory.mktemp("shim"))


def lose_power(
    shim: Path, tmp_path: Path, gateway: FarGateway, seed: int, environment: dict[str, str]
) -> set[bytes]:
    """Return what was acknowledged and never reached the gateway, however long one waits."""
    fresh = make(tmp_path / f"fresh-{seed}", gateway).directory
    live = shutil.copytree(fresh, tmp_path / f"live-{seed}")
    disk = Disk(shim, live, tmp_path / f"durable-{seed}").prepare()
    office = PostOffice(live, environment={**disk.environment, **environment})
    acknowledged = crash(office, gateway, seed)
    assert len(acknowledged) > CLIENTS
    spill = random.Random(seed) if seed % 2 else None
    found = disk.after_power_loss(tmp_path / f"found-{seed}", spill)
    return set(acknowledged) - set(finish(PostOffice(found), gateway, set(acknowledged)))


def test_everything_acknowledged_reaches_the_gateway_after_the_loss_of_power(
    shim: Path, tmp_path: Path
) -> None:
    for seed in (10, 11):
        with FarGateway() as gateway:
            assert lose_power(shim, tmp_path, gateway, seed, {}) == set()


def test_the_same_loss_of_power_is_noticed_where_nothing_is_flushed(
    shim: Path, tmp_path: Path
) -> None:
    with FarGateway() as gateway:
        gateway.answer = slow_answer
        lost = lose_power(shim, tmp_path, gateway, 12, {"PYTHONPATH": str(UNSYNCED)})
    assert lost != set()


def slow_answer(_: str) -> Any:
    """Keep the queue filled, so that the power fails with something in it."""
    time.sleep(0.1)
    return FarGateway.answer("")
