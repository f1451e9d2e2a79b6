# SPDX-License-Identifier: Apache-2.0
"""What holds of the store as a whole: its files, its key, its cost, its neighbours."""

import asyncio
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from eepost.accounts.model import Account
from eepost.maildrop.model import Arrival
from eepost.maildrop.ports import Delivered, StoreUnavailable
from eepost.seal.startkey import StartKey
from eepost.store.sqlite import store as store_module
from eepost.store.sqlite.maildrops import SqliteMaildrops
from eepost.store.sqlite.schema import migrate
from eepost.store.sqlite.store import SqliteStore, StoreExists, WrongStartKey
from eepost.store.sqlite.writer import SqliteWriter
from tests.contracts.samples import account, encapsulation, message
from tests.store.shelf import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "store").create()


Scenario = Callable[[SqliteStore, SqliteMaildrops, Account], Awaitable[None]]


def run(shelf: Shelf, scenario: Scenario) -> None:
    async def opened() -> None:
        async with shelf.running() as (store, maildrops):
            alice = account("alice")
            store.accounts.add(alice)
            await store.clean()
            await scenario(store, maildrops, alice)

    asyncio.run(opened())


async def deliver_together(maildrops: SqliteMaildrops, owner: Account, count: int) -> None:
    under = encapsulation(owner)
    works = (maildrops.deliver([message(owner, under=under)]) for _ in range(count))
    outcomes = await asyncio.gather(*map(asyncio.ensure_future, works))
    assert all(isinstance(outcome, Delivered) for outcome in outcomes)


# Files and keys.


def test_a_store_is_not_made_over_another(shelf: Shelf) -> None:
    before = (shelf.directory / "store.db").read_bytes()
    with pytest.raises(StoreExists):
        SqliteStore.create(shelf.directory, shelf.key, randomness=os.urandom)
    assert (shelf.directory / "store.db").read_bytes() == before


def test_a_store_that_could_not_be_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def migrate_halfway(engine: object) -> None:
        migrate(engine)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(store_module, "migrate", migrate_halfway)
    key = StartKey.generate(os.urandom)
    with pytest.raises(KeyboardInterrupt):
        SqliteStore.create(tmp_path, key, randomness=os.urandom)
    assert list(tmp_path.iterdir()) == []


def test_another_start_key_does_not_open_it(shelf: Shelf) -> None:
    with pytest.raises(WrongStartKey):
        replace(shelf, key=StartKey.generate(os.urandom)).open()


def test_a_store_that_is_not_there_is_missed_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Shelf(tmp_path).open()
    assert list(tmp_path.iterdir()) == []


def test_something_else_in_its_place_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database at all" * 1000)
    with pytest.raises(StoreUnavailable):
        Shelf(tmp_path).open()


def test_only_the_owner_can_read_the_files(shelf: Shelf) -> None:
    async def scenario(_: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        await maildrops.deliver([message(alice)])
        files = list(shelf.directory.iterdir())
        assert {file.name for file in files} == {"store.db", "store.db-wal", "store.db-shm"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}

    before = os.umask(0)
    try:
        run(shelf, scenario)
    finally:
        os.umask(before)


def test_a_stopped_store_is_one_file(shelf: Shelf) -> None:
    async def scenario(_: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        await maildrops.deliver([message(alice)])

    run(shelf, scenario)
    assert [file.name for file in shelf.directory.iterdir()] == ["store.db"]


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("secure_delete", 1),
        ("foreign_keys", 1),
        ("temp_store", 2),
        ("auto_vacuum", 0),
        ("page_size", 4096),
        ("mmap_size", 0),
    ],
)
def test_the_lane_keeps_the_promises_of_a_connection(
    shelf: Shelf, pragma: str, value: object
) -> None:
    async def scenario(_: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        await maildrops.deliver([message(alice)])
        writer = maildrops.lane.writer
        assert isinstance(writer, SqliteWriter)
        assert writer._connection is not None
        assert writer._connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)

    # The tuning of tests differs in waiting times only.
    run(shelf, scenario)


def test_opening_a_current_store_needs_no_migrations(shelf: Shelf) -> None:
    program = (
        "import sys, os; from pathlib import Path\n"
        "from eepost.seal.startkey import StartKey\n"
        "from eepost.store.sqlite.store import SqliteStore\n"
        "key = StartKey.from_text(sys.argv[2])\n"
        "SqliteStore.open(Path(sys.argv[1]), key, randomness=os.urandom, default_limit_octets=1)\n"
        "assert 'alembic' not in sys.modules"
    )
    arguments = [str(shelf.directory), shelf.key.to_text()]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True)


# Costs.


def statements_of(shelf: Shelf, count: int) -> int:
    """Return how many statements `count` deliveries in one batch cost."""
    seen: list[str] = []

    async def scenario(_: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        await maildrops.deliver([message(alice)])
        writer = maildrops.lane.writer
        assert isinstance(writer, SqliteWriter)
        assert writer._connection is not None
        writer._connection.set_trace_callback(seen.append)
        await deliver_together(maildrops, alice, count)
        writer._connection.set_trace_callback(None)

    run(shelf, scenario)
    return len(seen)


def test_a_batch_costs_the_same_statements_whatever_its_size(tmp_path: Path) -> None:
    costs = {
        statements_of(Shelf(tmp_path / f"{count}").create(), count) for count in (1, 2, 7, 30, 64)
    }
    # BEGIN, state, encapsulation, message, body, usage, COMMIT.
    assert costs == {7}


def test_deliveries_at_once_share_a_commit(shelf: Shelf) -> None:
    async def scenario(store: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        await deliver_together(maildrops, alice, 50)
        counters = store.counters()
        assert counters["store_messages"] == 50
        assert counters["store_largest_batch"] == 50
        assert counters["store_commits"] == 2  # one of them the cleaning

    run(shelf, scenario)


def test_a_poll_of_an_empty_maildrop_does_not_wait(shelf: Shelf) -> None:
    async def scenario(_: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        sealed = message(alice)
        await maildrops.deliver([sealed])
        assert len(await maildrops.snapshot(alice.number)) == 1
        await maildrops.remove(alice.number, [sealed.number])
        assert answers_at_once(maildrops, alice) == []
        await maildrops.deliver([message(alice)])
        assert answers_at_once(maildrops, alice) is None
        assert len(await maildrops.snapshot(alice.number)) == 1

    run(shelf, scenario)


def test_a_look_while_mail_is_being_committed_does_not_hide_it(shelf: Shelf) -> None:
    async def scenario(_: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        about_to_commit, go_on = threading.Event(), threading.Event()

        def hold(statement: str) -> None:
            if statement == "COMMIT":
                about_to_commit.set()
                go_on.wait(60)

        writer = maildrops.lane.writer
        assert isinstance(writer, SqliteWriter)
        assert writer._connection is not None
        writer._connection.set_trace_callback(hold)
        delivering = asyncio.ensure_future(maildrops.deliver([message(alice)]))
        await asyncio.get_running_loop().run_in_executor(None, about_to_commit.wait, 60)
        mark = maildrops.mark(alice.number)
        assert await maildrops.snapshot(alice.number) == []
        go_on.set()
        assert isinstance(await delivering, Delivered)
        assert mark is not None
        assert maildrops.mark(alice.number) != mark
        assert answers_at_once(maildrops, alice) is None
        assert len(await maildrops.snapshot(alice.number)) == 1

    run(shelf, scenario)


def answers_at_once(maildrops: SqliteMaildrops, owner: Account) -> list[object] | None:
    """Return the snapshot if it comes without waiting for a thread, None otherwise."""
    asking = maildrops.snapshot(owner.number)
    try:
        asking.send(None)
    except StopIteration as answer:
        return list(answer.value)
    asking.close()
    return None


# Neighbours: other processes on the same store.


def elsewhere(shelf: Shelf, work: str) -> str:
    """Run `work` on the store in another process; return what it printed."""
    program = f"""
import asyncio, itertools, sys
from pathlib import Path
from eepost.seal.startkey import StartKey
from tests.contracts import samples
from tests.contracts.samples import account, message
samples._numbers = itertools.count(1_000_000)  # numbers that this process did not use
from tests.store.shelf import Shelf
shelf = Shelf(Path(sys.argv[1]), StartKey.from_text(sys.argv[2]))
async def main():
    async with shelf.running() as (store, maildrops):
        accounts = store.accounts
{work}
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(shelf.directory), shelf.key.to_text()],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def test_mail_from_another_process_is_seen_at_once(shelf: Shelf) -> None:
    async def scenario(_: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        assert await maildrops.snapshot(alice.number) == []
        assert answers_at_once(maildrops, alice) == []
        elsewhere(shelf, "        await maildrops.deliver([message(accounts.find('alice'))])")
        assert maildrops.mark(alice.number) is None
        assert answers_at_once(maildrops, alice) is None
        assert len(await maildrops.snapshot(alice.number)) == 1
        outcome = await maildrops.deliver([message(alice)])
        assert isinstance(outcome, Delivered)
        assert outcome.usage[alice.number].messages == 2
        assert len(await maildrops.snapshot(alice.number)) == 2

    run(shelf, scenario)


def test_mail_from_another_process_is_not_forgotten_by_our_next_commit(shelf: Shelf) -> None:
    async def scenario(store: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        assert await maildrops.snapshot(alice.number) == []
        assert answers_at_once(maildrops, alice) == []
        mark = maildrops.mark(alice.number)
        elsewhere(shelf, "        await maildrops.deliver([message(accounts.find('alice'))])")
        await store.clean()  # the lane is again the last that wrote
        assert maildrops.mark(alice.number) not in (mark, None)
        assert answers_at_once(maildrops, alice) is None
        assert len(await maildrops.snapshot(alice.number)) == 1

    run(shelf, scenario)


def test_arrivals_are_remembered_for_the_days_asked_for(shelf: Shelf) -> None:
    async def scenario(store: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        for day in (10, 11, 12):
            await maildrops.arrive([message(alice)], Arrival([b"%d" % day], day))
        await store.clean(arrivals_before=11)
        assert await maildrops.arrived([b"10", b"11", b"12"]) == {b"11", b"12"}

    run(shelf, scenario)


def test_a_maildrop_emptied_by_another_process_keeps_no_stale_key(shelf: Shelf) -> None:
    async def scenario(_: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        key = encapsulation(alice)
        await maildrops.deliver([message(alice, under=key)])
        elsewhere(shelf, "        await maildrops.empty(accounts.find('alice').number)")
        outcome = await maildrops.deliver([message(alice, under=key)])
        assert isinstance(outcome, Delivered)
        assert outcome.usage[alice.number].messages == 1
        assert list(await maildrops.encapsulations(alice.number)) == [key]

    run(shelf, scenario)


def test_accounts_made_by_another_process_get_mail_while_we_deliver(shelf: Shelf) -> None:
    async def scenario(store: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        epoch = store.accounts.epoch()
        adding = asyncio.get_running_loop().run_in_executor(
            None,
            elsewhere,
            shelf,
            "        for at in range(30): accounts.add(account(f'user{at}'))",
        )
        sent = 0
        while not adding.done():
            await deliver_together(maildrops, alice, 10)
            sent += 10
        await adding
        assert store.accounts.epoch() == epoch + 30
        added = [each for each in store.accounts.accounts() if each.name != "alice"]
        assert len(added) == 30
        for each in added:
            assert isinstance(await maildrops.deliver([message(each)]), Delivered)
        assert (await maildrops.usage(alice.number)).messages == sent

    run(shelf, scenario)
