# SPDX-License-Identifier: Apache-2.0
"""A store that cannot do its work says so, loses nothing and goes on when it can again."""

import asyncio
import resource
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from eepost.accounts.model import Account
from eepost.maildrop.model import SealedMessage
from eepost.maildrop.ports import AccountGone, Delivered, StoreUnavailable
from eepost.store.sqlite.maildrops import SqliteMaildrops
from eepost.store.sqlite.store import SqliteStore
from eepost.store.sqlite.work import Portion
from eepost.store.sqlite.writer import SqliteWriter
from tests.contracts.samples import account, encapsulation, message, number
from tests.store.shelf import Shelf

Scenario = Callable[[SqliteStore, SqliteMaildrops, Account], Awaitable[None]]

LARGE_SEGMENTS = 40


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "store").create()


def run(shelf: Shelf, scenario: Scenario) -> None:
    async def opened() -> None:
        async with shelf.running() as (store, maildrops):
            alice = account("alice")
            store.accounts.add(alice)
            await scenario(store, maildrops, alice)

    asyncio.run(opened())


def lane_connection(maildrops: SqliteMaildrops) -> sqlite3.Connection:
    """Return the lane's own connection; to be used while the lane waits."""
    writer = maildrops.lane.writer
    assert isinstance(writer, SqliteWriter)
    assert writer._connection is not None
    return writer._connection


async def lies_there(maildrops: SqliteMaildrops, owner: Account) -> set[int]:
    return {entry.number for entry in await maildrops.snapshot(owner.number)}


def large(owner: Account) -> SealedMessage:
    return message(owner, LARGE_SEGMENTS * 262_144, segments=LARGE_SEGMENTS)


def stored_segments(shelf: Shelf) -> int:
    connection = sqlite3.connect(shelf.directory / "store.db")
    (count,) = connection.execute("SELECT count(*) FROM segment").fetchone()
    connection.close()
    return int(count)


async def until(claim: Callable[[], bool]) -> None:
    while not claim():  # noqa: ASYNC110 - the lane tells nobody about a portion
        await asyncio.sleep(0)


# Disks.


def test_a_full_disk_refuses_and_takes_mail_again_when_there_is_room(shelf: Shelf) -> None:
    async def scenario(_: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        kept = message(alice)
        assert isinstance(await maildrops.deliver([kept]), Delivered)
        connection = lane_connection(maildrops)
        connection.execute("PRAGMA max_page_count=1")  # SQLite makes it what there is by now
        with pytest.raises(StoreUnavailable):
            await maildrops.deliver([message(alice, 600_000)])
        assert await lies_there(maildrops, alice) == {kept.number}
        assert (await maildrops.usage(alice.number)).messages == 1
        lane_connection(maildrops).execute("PRAGMA max_page_count=1000000")
        late = message(alice, 600_000)
        assert isinstance(await maildrops.deliver([late]), Delivered)
        assert await lies_there(maildrops, alice) == {kept.number, late.number}

    run(shelf, scenario)


@contextmanager
def files_cannot_grow(octets: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_writes_that_fail_refuse_and_the_store_goes_on_afterwards(shelf: Shelf) -> None:
    async def scenario(store: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        kept = message(alice)
        assert isinstance(await maildrops.deliver([kept]), Delivered)
        with files_cannot_grow(4096):
            for _ in range(3):
                with pytest.raises(StoreUnavailable):
                    await maildrops.deliver([message(alice)])
            with pytest.raises(StoreUnavailable):
                store.accounts.add(account("bob"))
            assert await lies_there(maildrops, alice) == {kept.number}
            assert store.accounts.find("alice") == alice
        late = message(alice)
        assert isinstance(await maildrops.deliver([late]), Delivered)
        store.accounts.add(account("bob"))
        assert await lies_there(maildrops, alice) == {kept.number, late.number}

    run(shelf, scenario)


# Locks and connections.


def test_a_store_locked_by_another_process_refuses_until_it_is_free(shelf: Shelf) -> None:
    async def scenario(_: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        assert isinstance(await maildrops.deliver([message(alice)]), Delivered)
        other = sqlite3.connect(shelf.directory / "store.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        results = await asyncio.gather(
            *(asyncio.ensure_future(maildrops.deliver([message(alice)])) for _ in range(20)),
            return_exceptions=True,
        )
        assert all(isinstance(result, StoreUnavailable) for result in results)
        assert len(await lies_there(maildrops, alice)) == 1, "reading goes on meanwhile"
        other.execute("ROLLBACK")
        other.close()
        assert isinstance(await maildrops.deliver([message(alice)]), Delivered)
        assert len(await lies_there(maildrops, alice)) == 2

    run(shelf, scenario)


def test_a_lost_connection_of_the_lane_is_made_anew(shelf: Shelf) -> None:
    async def scenario(_: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        await maildrops.deliver([message(alice)])
        lane_connection(maildrops).close()
        assert isinstance(await maildrops.deliver([message(alice)]), Delivered)
        assert len(await lies_there(maildrops, alice)) == 2

    run(shelf, scenario)


def test_a_lost_connection_of_a_reader_costs_one_refusal(shelf: Shelf) -> None:
    async def scenario(_: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        await maildrops.deliver([message(alice)])
        await maildrops.usage(alice.number)
        connections = maildrops.readers._connections
        assert len(connections) == 1
        connections[0].close()
        with pytest.raises(StoreUnavailable):
            await maildrops.usage(alice.number)
        assert (await maildrops.usage(alice.number)).messages == 1

    shelf = replace(shelf, tuning=replace(shelf.tuning, readers=1))
    run(shelf, scenario)


def test_a_stopped_store_refuses(shelf: Shelf) -> None:
    async def scenario() -> None:
        async with shelf.running() as (store, maildrops):
            alice = account("alice")
            store.accounts.add(alice)
        with pytest.raises(StoreUnavailable):
            await maildrops.deliver([message(alice)])
        with pytest.raises(StoreUnavailable):
            await maildrops.usage(alice.number)
        with pytest.raises(StoreUnavailable):
            store.maildrops  # noqa: B018

    asyncio.run(scenario())


def test_a_damaged_record_is_unavailable(shelf: Shelf) -> None:
    async def scenario(store: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        bob = account("bob")
        store.accounts.add(bob)
        other = sqlite3.connect(shelf.directory / "store.db")
        other.execute("UPDATE account SET record = zeroblob(100) WHERE number = ?", (alice.number,))
        other.commit()
        other.close()
        with pytest.raises(StoreUnavailable):
            store.accounts.find("alice")
        with pytest.raises(StoreUnavailable):
            await maildrops.usage(alice.number)
        works = (maildrops.deliver([message(each)]) for each in (bob, alice, bob))
        first, damaged, last = await asyncio.gather(
            *map(asyncio.ensure_future, works), return_exceptions=True
        )
        assert isinstance(damaged, StoreUnavailable)
        assert isinstance(first, Delivered)
        assert isinstance(last, Delivered)

    run(shelf, scenario)


# Poison.


@pytest.mark.parametrize(
    "spoil",
    [
        lambda each, kept: replace(each, number=kept.number),
        lambda each, _: replace(each, number=2**63),
        lambda each, _: replace(each, entry="text"),
        lambda each, _: replace(each, segments=[]),
        lambda each, _: replace(each, segments=[b"1", None]),
        lambda each, _: replace(each, padded_octets=None),
    ],
    ids=["number taken", "number too large", "entry is text", "no body", "hole", "no size"],
)
def test_a_poisoned_message_gives_no_other_a_failure(
    shelf: Shelf, spoil: Callable[[SealedMessage, SealedMessage], SealedMessage]
) -> None:
    async def scenario(_: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        kept = message(alice)
        await maildrops.deliver([kept])
        healthy = [message(alice) for _ in range(20)]
        poisoned = spoil(message(alice), kept)
        outcomes = await asyncio.gather(
            *(deliver(maildrops, each) for each in (*healthy[:10], poisoned, *healthy[10:])),
            return_exceptions=True,
        )
        assert not isinstance(outcomes.pop(10), Delivered)
        assert all(isinstance(outcome, Delivered) for outcome in outcomes)
        assert await lies_there(maildrops, alice) == {each.number for each in (kept, *healthy)}
        assert (await maildrops.usage(alice.number)).octets == 21 * 1024
        assert await maildrops.fetch(alice.number, [kept.number]) == {kept.number: kept.segments[0]}

    async def deliver(maildrops: SqliteMaildrops, each: SealedMessage) -> object:
        return await maildrops.deliver([each])

    run(shelf, scenario)


# Large messages.


def test_a_mail_of_ten_megabytes_comes_back_whole_and_lets_others_pass(shelf: Shelf) -> None:
    async def scenario(_: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        ten = large(alice)
        delivering = asyncio.ensure_future(maildrops.deliver([ten]))
        passed = 0
        while not delivering.done():
            assert isinstance(await maildrops.deliver([message(alice)]), Delivered)
            passed += 1
        outcome = await delivering
        assert isinstance(outcome, Delivered)
        assert passed >= 5
        for at, segment in enumerate(ten.segments):
            assert await maildrops.fetch_segment(alice.number, ten.number, at) == segment
        await maildrops.remove(alice.number, [ten.number])

    run(shelf, scenario)
    assert stored_segments(shelf) == 0


def test_a_large_mail_that_does_not_fit_leaves_nothing(shelf: Shelf) -> None:
    async def scenario(store: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        outcome = await maildrops.deliver([large(alice), large(account("nobody"))])
        assert isinstance(outcome, AccountGone)
        ten = asyncio.ensure_future(maildrops.deliver([large(alice)]))
        await until(lambda: stored_segments(shelf) > 0)
        store.accounts.delete("alice")
        assert await ten == AccountGone(alice.number)

    run(shelf, scenario)
    assert stored_segments(shelf) == 0


def test_a_large_mail_whose_session_went_away_leaves_nothing(shelf: Shelf) -> None:
    async def scenario(_: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        ten = asyncio.ensure_future(maildrops.deliver([large(alice)]))
        await until(lambda: stored_segments(shelf) > 0)
        ten.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ten
        assert await maildrops.usage(alice.number) == await maildrops.usage(alice.number)

    run(shelf, scenario)
    assert stored_segments(shelf) == 0


def test_cleaning_takes_what_a_crash_left_and_nothing_else(shelf: Shelf) -> None:
    async def scenario(store: SqliteStore, maildrops: SqliteMaildrops, alice: Account) -> None:
        whole = message(alice, 750_000, segments=3)
        await maildrops.deliver([whole])
        orphan = message(alice, 750_000, segments=3)
        rows = [(orphan.number, at, orphan.segments[at]) for at in (1, 2)]
        await maildrops.lane.submit(Portion([orphan], rows, 0))
        assert stored_segments(shelf) == 4
        ten = asyncio.ensure_future(maildrops.deliver([large(alice)]))
        await until(lambda: stored_segments(shelf) > 4)
        assert await store.clean() == 1
        assert isinstance(await ten, Delivered)
        assert await store.clean() == 0
        assert await maildrops.fetch_segment(alice.number, whole.number, 2) == whole.segments[2]

    run(shelf, scenario)
    assert stored_segments(shelf) == 2 + LARGE_SEGMENTS - 1


def test_many_recipients_of_one_call_get_it_all(shelf: Shelf) -> None:
    async def scenario(store: SqliteStore, maildrops: SqliteMaildrops, _: Account) -> None:
        crowd = [account(f"user{at}") for at in range(150)]
        for each in crowd:
            store.accounts.add(each)
        outcome = await maildrops.deliver([message(each) for each in crowd])
        assert isinstance(outcome, Delivered)
        assert len(outcome.usage) == 150
        for each in crowd:
            assert len(await lies_there(maildrops, each)) == 1

    run(shelf, scenario)


def test_numbers_and_keys_use_all_their_bits(shelf: Shelf) -> None:
    async def scenario(store: SqliteStore, maildrops: SqliteMaildrops, _: Account) -> None:
        top = replace(account("top"), number=2**63 - 1)
        store.accounts.add(top)
        key = replace(encapsulation(top), number=2**63 - 2)
        sealed = replace(message(top, under=key), number=2**63 - 3)
        assert isinstance(await maildrops.deliver([sealed]), Delivered)
        assert await lies_there(maildrops, top) == {sealed.number}
        assert list(await maildrops.encapsulations(top.number)) == [key]
        found = await maildrops.fetch(top.number, [sealed.number, number()])
        assert found == {sealed.number: sealed.segments[0]}
        await maildrops.remove(top.number, [sealed.number])
        assert await lies_there(maildrops, top) == set()

    run(shelf, scenario)
