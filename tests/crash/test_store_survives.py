# SPDX-License-Identifier: Apache-2.0
"""What the store has acknowledged is there after a loss of power, whole; the rest is there or not.

Every round kills a delivering process at a random instant and opens what was flushed by then.
"""

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from eepost.maildrop.ports import StoreUnavailable
from eepost.seal.startkey import StartKey
from tests.contracts.samples import account
from tests.crash.deliverer import message, shelf
from tests.crash.shim import Disk, build_shim

pytestmark = pytest.mark.crash

ROUNDS = 24
CONTROL_ROUNDS = 6


@dataclass
class Acknowledged:
    """What the process said before it died."""

    delivered: dict[int, int] = field(default_factory=dict)  # number -> account
    being_removed: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)

    def hear(self, line: str) -> None:
        match line.split():
            case ["+", owner, number]:
                self.delivered[int(number)] = int(owner)
            case ["?", number]:
                self.being_removed.add(int(number))
            case ["-", number]:
                self.removed.add(int(number))

    @property
    def must_be_there(self) -> set[int]:
        return self.delivered.keys() - self.being_removed


@dataclass
class Field:
    """An empty store with accounts, to be copied for every round."""

    folder: Path
    shim: Path
    key: str

    def disk(self, name: str) -> Disk:
        live = self.folder / name
        shutil.copytree(self.folder / "sown", live)
        return Disk(self.shim, live, self.folder / f"{name}-durable").prepare()


@pytest.fixture(scope="module")
def crash_field(tmp_path_factory: pytest.TempPathFactory) -> Field:
    folder = tmp_path_factory.mktemp("crash")
    key = StartKey.generate(os.urandom).to_text()
    opened = shelf(folder / "sown", key).create().open()
    for name in ("alice", "bob", "carol"):
        opened.accounts.add(account(name))
    opened.close()
    return Field(folder, build_shim(folder), key)


def kill_while_delivering(
    crash_field: Field, disk: Disk, synchronous: str, chance: random.Random
) -> Acknowledged:
    arguments = [str(disk.live), crash_field.key, synchronous, str(chance.random())]
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.deliverer", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **disk.environment},
    )
    assert child.stdout is not None
    heard = Acknowledged()
    killer = threading.Timer(chance.uniform(0.05, 0.8), child.send_signal, [signal.SIGKILL])
    with child.stdout as lines:
        assert lines.readline() == "ready\n"
        killer.start()
        for line in lines:
            if line.endswith("\n"):
                heard.hear(line)
    assert child.wait() == -signal.SIGKILL
    return heard


def found_in(crash_field: Field, found: Path) -> dict[int, int]:
    """Return number -> account of every message; each must be whole."""
    with sqlite3.connect(found / "store.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()

    async def look() -> dict[int, int]:
        messages: dict[int, int] = {}
        async with shelf(found, crash_field.key).running() as (store, maildrops):
            await store.clean()
            for owner in store.accounts.accounts():
                entries = await maildrops.snapshot(owner.number)
                keys = {each.number: each for each in await maildrops.encapsulations(owner.number)}
                octets = 0
                for entry in entries:
                    sent = message(entry.number, owner.number)
                    assert entry.entry == sent.entry
                    assert keys[entry.encapsulation] == sent.encapsulation
                    for at, segment in enumerate(sent.segments):
                        there = await maildrops.fetch_segment(owner.number, entry.number, at)
                        assert there == segment
                    octets += entry.padded_octets
                    messages[entry.number] = owner.number
                usage = await maildrops.usage(owner.number)
                assert (usage.messages, usage.octets) == (len(entries), octets)
            assert await store.clean() == 0
        return messages

    return asyncio.run(look())


def test_all_that_was_acknowledged_survives_a_loss_of_power(
    crash_field: Field, tmp_path: Path
) -> None:
    delivered = removed = 0
    for each in range(ROUNDS):
        chance = random.Random(f"power {each}")
        disk = crash_field.disk(f"power-{each}")
        heard = kill_while_delivering(crash_field, disk, "FULL", chance)
        # In every second round some of what was not flushed has reached the disk as well.
        spill = chance if each % 2 else None
        there = found_in(crash_field, disk.after_power_loss(tmp_path / f"{each}", spill))
        assert heard.must_be_there <= there.keys(), f"lost in round {each}"
        assert not heard.removed & there.keys(), f"came back in round {each}"
        assert all(there[number] == heard.delivered[number] for number in heard.must_be_there)
        delivered += len(heard.delivered)
        removed += len(heard.removed)
        shutil.rmtree(tmp_path / f"{each}")
    assert delivered > 20 * ROUNDS, "the rounds were too short to show anything"
    assert removed > ROUNDS


def test_without_synchronisation_the_same_test_finds_losses(
    crash_field: Field, tmp_path: Path
) -> None:
    lost = 0
    for each in range(CONTROL_ROUNDS):
        chance = random.Random(f"control {each}")
        disk = crash_field.disk(f"control-{each}")
        heard = kill_while_delivering(crash_field, disk, "OFF", chance)
        try:
            there = found_in(crash_field, disk.after_power_loss(tmp_path / f"{each}"))
        except (AssertionError, StoreUnavailable, sqlite3.Error):
            lost += 1
            continue
        lost += not heard.must_be_there <= there.keys()
    assert lost


_CREATE = """
import os, sys
from pathlib import Path
from tests.contracts.samples import account
from tests.crash.deliverer import shelf
store = shelf(Path(sys.argv[1]), sys.argv[2]).create().open()
store.accounts.add(account("alice"))
store.accounts.add(account("bob"))
store.accounts.delete("bob")
os._exit(0)
"""


def test_a_new_store_and_its_accounts_survive_a_loss_of_power(
    crash_field: Field, tmp_path: Path
) -> None:
    disk = Disk(crash_field.shim, tmp_path / "new", tmp_path / "durable").prepare()
    subprocess.run(
        [sys.executable, "-c", _CREATE, str(disk.live), crash_field.key],
        env={**os.environ, **disk.environment},
        check=True,
    )
    opened = shelf(disk.after_power_loss(tmp_path / "found"), crash_field.key).open()
    assert [each.name for each in opened.accounts.accounts()] == ["alice"]
    opened.close()
