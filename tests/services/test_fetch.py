# SPDX-License-Identifier: Apache-2.0
"""When a POP3 session asks the store, and what it sees then."""

from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest

from eepost.accounts.authenticator import OpenMaildrop
from eepost.accounts.model import Account
from eepost.accounts.places import Places
from eepost.maildrop.model import Encapsulation, SealedMessage, StoredEntry
from eepost.maildrop.ports import StoreUnavailable
from eepost.maildrop.sealing import Sealer
from eepost.seal.keypair import PrivateKey
from eepost.services.pop.fetch import Counts, Desk, Fetch
from eepost.wire.pop3.events import (
    Admitted,
    Arrived,
    Content,
    Entry,
    LoginGiven,
    MessageWanted,
    RefreshGiven,
)
from tests.accounts.fakes import MemoryAccounts
from tests.contracts.samples import account
from tests.maildrop.fakes import MemoryMaildrops
from tests.maildrop.test_sealing import NOW, SECOND, Key, Owner
from tests.seal.chance import chance

T = TypeVar("T")
SEED = PrivateKey.generate(chance(3))


class Counted(MemoryMaildrops):
    """Counts questions; with `is_shared` other processes write too, and no mark is known."""

    def __init__(self, accounts: MemoryAccounts) -> None:
        super().__init__(accounts)
        self.is_shared = False
        self.snapshots = 0
        self.encapsulations_read = 0
        self.while_reading: Callable[[], Awaitable[object]] | None = None

    def mark(self, account: int) -> int | None:
        return None if self.is_shared else super().mark(account)

    async def snapshot(self, account: int) -> Sequence[StoredEntry]:
        self.snapshots += 1
        found = await super().snapshot(account)
        if self.while_reading is not None:
            await self.while_reading()
        return found

    async def encapsulations(self, account: int) -> Sequence[Encapsulation]:
        self.encapsulations_read += 1
        return await super().encapsulations(account)


class Office:
    """One account, and sessions of its owner."""

    def __init__(self) -> None:
        accounts = MemoryAccounts()
        self.alice: Account = account("alice")
        accounts.add(self.alice)
        self.maildrops = Counted(accounts)
        self.sent = 0
        self.sealing_keys: dict[int, bytes] = {}
        self.listings: dict[int, bytes] = {}  # by mark
        self._sealer = Sealer(chance(4), window_seconds=60)
        self._desk = Desk(
            authenticator=cast(Any, self),
            places=Places(100),
            maildrops=self.maildrops,
            offload=self.offload,
            make_engine=cast(Any, SimpleNamespace),
            counts=Counts(),
        )

    # What a session asks of the authenticator.

    def epoch(self) -> int:
        return 1

    def recall_maildrop(self, _login: str, _password: str) -> OpenMaildrop:
        return OpenMaildrop(self.alice, {1: PrivateKey(SEED.seed)})

    def recall_sealing_keys(self, _found: OpenMaildrop) -> dict[int, bytes]:
        return self.sealing_keys

    def remember_sealing_keys(self, _found: OpenMaildrop, keys: dict[int, bytes]) -> None:
        self.sealing_keys = {**self.sealing_keys, **keys}

    def recall_listing(self, _found: OpenMaildrop, mark: int) -> bytes | None:
        return self.listings.get(mark)

    def remember_listing(self, _found: OpenMaildrop, mark: int, listing: bytes) -> None:
        self.listings = {mark: listing}

    async def offload(self, work: Callable[[], T]) -> T:
        return work()

    # What tests do.

    async def deliver(self) -> SealedMessage:
        self.sent += 1
        owner = Owner(self.alice.number, Key(1, SEED.public_key.octets))
        sealed = self._sealer.seal(owner, [b"text"], NOW + self.sent * SECOND)
        await self.maildrops.deliver([sealed])
        return sealed

    def renew_sealing_key(self) -> None:
        self._sealer = Sealer(chance(100 + self.sent), window_seconds=60)

    async def login(self) -> tuple[Fetch, int]:
        """Return a session and how many messages it was shown."""
        session = Fetch(self._desk, None, is_welcome=True)
        (admitted,) = await cast(Any, session.respond(LoginGiven("alice", "")))
        assert isinstance(admitted, Admitted)
        return session, len(admitted.entries)


async def arrived(session: Fetch) -> int:
    """Return how many messages the session shows after STAT that it had not before."""
    (answer,) = await cast(Any, session.respond(RefreshGiven()))
    assert isinstance(answer, Arrived)
    return len(answer.entries)


@pytest.fixture
def office() -> Office:
    return Office()


async def test_nothing_is_read_again_while_nothing_changes(office: Office) -> None:
    await office.deliver()
    session, shown = await office.login()
    assert (shown, await arrived(session), await arrived(session)) == (1, 0, 0)
    assert office.maildrops.snapshots == 1


async def test_each_message_is_shown_once_by_the_stat_after_it(office: Office) -> None:
    session, shown = await office.login()
    assert shown == 0
    for _ in range(3):
        await office.deliver()
        assert await arrived(session) == 1
        assert await arrived(session) == 0
    assert office.maildrops.snapshots == 4


async def test_what_comes_while_the_maildrop_is_read_is_shown_next(office: Office) -> None:
    await office.deliver()
    office.maildrops.while_reading = office.deliver
    session, shown = await office.login()
    office.maildrops.while_reading = None
    assert (shown, await arrived(session), await arrived(session)) == (1, 1, 0)


async def test_mail_from_another_process_is_shown(office: Office) -> None:
    session, _ = await office.login()
    office.maildrops.is_shared = True
    for _ in range(2):
        await office.deliver()
        assert (await arrived(session), await arrived(session)) == (1, 0)
    office.maildrops.is_shared = False
    await office.deliver()
    assert await arrived(session) == 1


async def test_a_refresh_that_failed_is_made_good_by_the_next(office: Office) -> None:
    session, _ = await office.login()
    await office.deliver()

    async def fail() -> None:
        raise StoreUnavailable

    office.maildrops.while_reading = fail
    with pytest.raises(StoreUnavailable):
        await arrived(session)
    office.maildrops.while_reading = None
    assert await arrived(session) == 1


async def test_an_encapsulation_is_opened_once_for_all_sessions_of_a_login(office: Office) -> None:
    await office.deliver()
    for _ in range(3):
        assert (await office.login())[1] == 1
    assert office.maildrops.encapsulations_read == 1
    office.renew_sealing_key()
    await office.deliver()
    session, shown = await office.login()
    assert (shown, office.maildrops.encapsulations_read) == (2, 2)
    await office.deliver()
    assert await arrived(session) == 1
    assert office.maildrops.encapsulations_read == 2
    assert len(office.sealing_keys) == 2


async def test_mail_under_many_sealing_keys_is_listed_too(office: Office) -> None:
    for _ in range(20):
        office.renew_sealing_key()
        await office.deliver()
    for _ in range(2):
        assert (await office.login())[1] == 20
    assert office.maildrops.encapsulations_read == 1
    assert len(office.sealing_keys) == 20


async def test_a_listing_is_read_once_for_all_sessions_while_nothing_changes(
    office: Office,
) -> None:
    for _ in range(3):
        await office.deliver()
    first, shown = await office.login()
    second, again = await office.login()
    assert (shown, again, office.maildrops.snapshots) == (3, 3, 1)
    assert first._listed == second._listed
    await office.deliver()
    assert (await arrived(first), await arrived(second)) == (1, 1)
    assert (await office.login())[1] == 4


async def test_a_remembered_message_can_be_read(office: Office) -> None:
    await office.deliver()
    for _ in range(2):
        session, _ = await office.login()
        wanted = MessageWanted(0, Entry(4, "x"), None)
        content, _finished = await cast(Any, session.respond(wanted))
        assert content == Content(b"text")


async def test_a_listing_whose_sealing_keys_were_forgotten_is_read_anew(office: Office) -> None:
    await office.deliver()
    await office.login()
    office.sealing_keys = {}
    assert (await office.login())[1] == 1
    assert office.maildrops.snapshots == 2


async def test_a_listing_is_not_remembered_while_other_processes_write(office: Office) -> None:
    office.maildrops.is_shared = True
    await office.deliver()
    for _ in range(2):
        assert (await office.login())[1] == 1
    assert office.maildrops.snapshots == 2
    assert office.listings == {}
