# SPDX-License-Identifier: Apache-2.0
"""What the store's raw files say, byte by byte: no names, and nothing that was deleted.

The same search finds everything in a store whose start key does not seal; so it does search.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from eepost.accounts.model import Account
from eepost.maildrop.model import SealedMessage
from eepost.seal.randomness import Randomness
from eepost.seal.startkey import StartKey
from eepost.store.sqlite.maildrops import SqliteMaildrops
from eepost.store.sqlite.store import SqliteStore
from tests.contracts.samples import account, key_pair, message
from tests.store.shelf import Shelf

NAMES = ("margarethe", "hildegunde", "wolfdietrich")
ROLE = "hostmaster"


class OpenKey(StartKey):
    """A start key that hides nothing, as the control of the search."""

    def tag(self, purpose: str, text: str) -> bytes:
        return f"{purpose}:{text}".encode()

    def seal(
        self, purpose: str, nonce_source: Randomness, plaintext: bytes, context: bytes
    ) -> bytes:
        return plaintext

    def open(self, purpose: str, sealed: bytes, context: bytes) -> bytes:
        return sealed


def raw(shelf: Shelf) -> dict[str, bytes]:
    files = {file.name: file.read_bytes() for file in shelf.directory.iterdir()}
    files.pop("store.db-shm", None)  # SQLite's map of the log: numbers of pages, see below
    return files


def found(shelf: Shelf, *needles: bytes) -> set[str]:
    """Return the files that hold any of `needles`, or a piece of one.

    Rows are cut at the ends of pages, so pieces of 12 octets are searched for: of what is longer
    than half a page one from every 512 octets, else all.
    """
    pieces = {
        needle[at : at + 12]
        for needle in needles
        for at in range(0, max(1, len(needle) - 11), 512 if len(needle) > 2048 else 12)
    }
    return {name for name, octets in raw(shelf).items() if any(piece in octets for piece in pieces)}


def traces(sealed: SealedMessage) -> tuple[bytes, ...]:
    return (*sealed.segments, sealed.entry, sealed.encapsulation.octets)


def run(shelf: Shelf, scenario: Callable[[SqliteStore, SqliteMaildrops], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with shelf.running() as (store, maildrops):
            await scenario(store, maildrops)

    asyncio.run(opened())


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "store").create()


@pytest.fixture
def open_shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "open", OpenKey.generate(os.urandom)).create()


def use_names(shelf: Shelf) -> None:
    """Make accounts and roles, change one, delete one; look at the files at every step."""
    opened = shelf.open()
    accounts = [account(name) for name in NAMES]
    for each in accounts:
        opened.accounts.add(each)
    opened.accounts.assign_role(ROLE, NAMES[0])
    changed = replace(accounts[1], keys=(*accounts[1].keys, key_pair(2)))
    opened.accounts.replace(changed, accounts[1])
    opened.accounts.delete(NAMES[2])
    opened.close()


def test_no_name_stands_in_any_file(shelf: Shelf) -> None:
    use_names(shelf)
    assert found(shelf, ROLE.encode(), *(name.encode() for name in NAMES)) == set()


def test_the_search_for_names_finds_them_in_an_unsealed_store(open_shelf: Shelf) -> None:
    use_names(open_shelf)
    for needle in (ROLE, *NAMES):
        assert found(open_shelf, needle.encode()) == {"store.db"}, needle


def test_a_changed_password_leaves_nothing_of_the_old_record(open_shelf: Shelf) -> None:
    opened = open_shelf.open()
    alice = account("alice")
    opened.accounts.add(alice)
    (old,) = alice.keys
    assert old.by_password is not None
    secrets = (alice.password.verifier, old.by_password)
    assert found(open_shelf, *secrets), "the search finds what is there"
    fresh = replace(
        alice,
        password=replace(alice.password, verifier=bytes(32)),
        keys=(replace(old, by_password=None),),
    )
    opened.accounts.replace(fresh, alice)
    assert found(open_shelf, *secrets) == set(), "while the store is open, and its log too"
    opened.close()
    assert found(open_shelf, *secrets) == set()


def test_a_deleted_account_leaves_nothing(open_shelf: Shelf) -> None:
    async def scenario(store: SqliteStore, maildrops: SqliteMaildrops) -> None:
        alice, bob = account(NAMES[0]), account(NAMES[1])
        sent = []
        for owner in (alice, bob):
            store.accounts.add(owner)
            for each in (message(owner), message(owner, 600_000, segments=3)):
                await maildrops.deliver([each])
                sent.append(each)
        store.accounts.assign_role(ROLE, alice.name)
        gone = [octets for each in sent[:2] for octets in traces(each)]
        keys = [octets for pair in alice.keys for octets in (pair.public_key, pair.by_recovery)]
        assert all(found(open_shelf, octets) for octets in (*gone, *keys))
        store.accounts.delete(alice.name)
        assert found(open_shelf, *gone, *keys) == set()
        assert found(open_shelf, *sent[2].segments), "what was not deleted is there"

    run(open_shelf, scenario)


@pytest.mark.parametrize("way", ["remove", "empty"])
def test_a_deleted_message_leaves_nothing_once_the_log_was_cut(shelf: Shelf, way: str) -> None:
    prompt = replace(shelf, tuning=replace(shelf.tuning, scrub_after_seconds=0.0))

    async def scenario(store: SqliteStore, maildrops: SqliteMaildrops) -> None:
        alice = account("alice")
        store.accounts.add(alice)
        sealed = message(alice, 600_000, segments=3)
        await maildrops.deliver([sealed])
        assert all(found(prompt, octets) for octets in traces(sealed))
        if way == "remove":
            await maildrops.remove(alice.number, [sealed.number])
        else:
            await maildrops.empty(alice.number)
        for _ in range(3):  # the lane keeps its appointments between batches
            await store.clean()
        assert store.counters()["store_scrubs"] >= 1
        assert found(prompt, *traces(sealed)) == set()

    run(prompt, scenario)


def test_until_then_the_log_holds_what_was_deleted(shelf: Shelf) -> None:
    async def scenario(store: SqliteStore, maildrops: SqliteMaildrops) -> None:
        alice = account("alice")
        store.accounts.add(alice)
        sealed = message(alice)
        await maildrops.deliver([sealed])
        await maildrops.remove(alice.number, [sealed.number])
        assert found(shelf, *traces(sealed)) == {"store.db-wal"}, "so cutting it is needed"

    run(shelf, scenario)


def test_nothing_deleted_is_left_when_a_store_was_stopped(shelf: Shelf) -> None:
    removed: list[SealedMessage] = []

    async def scenario(store: SqliteStore, maildrops: SqliteMaildrops) -> None:
        owners: list[Account] = [account(name) for name in NAMES]
        for owner in owners:
            store.accounts.add(owner)
        for at in range(120):
            sealed = message(owners[at % 3], 1024 + 37 * at)
            await maildrops.deliver([sealed])
            if at % 3:
                removed.append(sealed)
        for owner in owners:
            numbers = [each.number for each in removed if each.account == owner.number]
            await maildrops.remove(owner.number, numbers)

    run(shelf, scenario)
    needles = [octets for each in removed for octets in traces(each)]
    assert found(shelf, *needles) == set()
