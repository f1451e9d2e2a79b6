# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from eepost.accounts import authenticator
from eepost.accounts.authenticator import Authenticator, Busy, OpenMaildrop, WrongCredentials
from eepost.accounts.memory import LoginMemory
from eepost.accounts.model import Account, PasswordCost, State
from eepost.accounts.passwords import derive
from eepost.accounts.registry import Registry
from eepost.accounts.throttle import MAX_WAITING, Throttle
from eepost.maildrop.ports import StoreUnavailable
from tests.accounts.fakes import MemoryAccounts
from tests.seal.chance import chance

T = TypeVar("T")
CHEAP = PasswordCost(8, 1, 1)
RIGHT, WRONG = "right password", "wrong password"
PEER = b"peer"
KEY = bytes(range(32))


class Office:
    """An authenticator whose clock and threads the test holds in its hands."""

    def __init__(self, max_waiting: int = 100) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []
        self.computed = 0
        self.held: list[asyncio.Future[None]] | None = None
        self.store = MemoryAccounts()
        self.registry = Registry(self.store, chance(), CHEAP)
        self.first_code = self.registry.create("alice", RIGHT).recovery_code
        self.memory = LoginMemory(KEY)
        self.throttle = Throttle(KEY)
        self.authenticator = Authenticator(
            self.store,
            frozenset({"mail.i2p", "i2pmail.org"}),
            self.memory,
            self.throttle,
            compute=self.compute,
            look_up=self.compute,
            clock=lambda: self.now,
            pause=self.pause,
            max_waiting=max_waiting,
            cost=CHEAP,
        )

    @property
    def alice(self) -> Account:
        return self.registry.find("alice")

    async def compute(self, work: Callable[[], T]) -> T:
        self.computed += 1
        if self.held is not None:
            turn = asyncio.get_running_loop().create_future()
            self.held.append(turn)
            await turn
        return work()

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def submission(
        self, login: str = "alice", password: str = RIGHT, peer: bytes | None = PEER
    ) -> object:
        return asyncio.run(self.authenticator.check_submission(login, password, peer))

    def maildrop(
        self, login: str = "alice", password: str = RIGHT, peer: bytes | None = PEER
    ) -> object:
        return asyncio.run(self.authenticator.check_maildrop(login, password, peer))

    def recalled(self, login: str = "alice", password: str = RIGHT) -> tuple[bool, bool]:
        return (
            self.authenticator.recall_submission(login, password) is not None,
            self.authenticator.recall_maildrop(login, password) is not None,
        )


@pytest.fixture
def office() -> Office:
    return Office()


# Right and wrong.


@pytest.mark.parametrize("login", ["alice", "ALICE", "alice@mail.i2p", "Alice@I2PMail.org"])
def test_the_right_password_opens_under_every_form_of_the_login(office: Office, login: str) -> None:
    assert office.submission(login) == office.alice
    opened = office.maildrop(login)
    assert isinstance(opened, OpenMaildrop)
    assert opened.account == office.alice
    assert opened.keys[1].public_key.octets == office.alice.current_key.public_key


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("alice", WRONG),
        ("alice", ""),
        ("alice", "\ud800"),
        ("bob", RIGHT),
        ("alice@elsewhere.org", RIGHT),
        ("", ""),
        ("no name at all", RIGHT),
        ("x" * 10_000, RIGHT),
        ("\ud800", RIGHT),
    ],
)
def test_everything_else_is_wrong_at_the_same_cost(
    office: Office, login: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs: list[PasswordCost] = []

    def counted(password: str, salt: bytes, cost: PasswordCost) -> object:
        costs.append(cost)
        return derive(password, salt, cost)

    monkeypatch.setattr(authenticator, "derive", counted)
    monkeypatch.setattr("eepost.accounts.passwords.derive", counted)
    assert office.submission(login, password) == WrongCredentials()
    assert office.maildrop(login, password) == WrongCredentials()
    assert costs == [CHEAP, CHEAP]
    assert office.computed == 2
    assert office.recalled(login, password) == (False, False)


def test_a_disabled_account_is_wrong_whatever_its_password(office: Office) -> None:
    office.maildrop()
    office.registry.set_state("alice", State.DISABLED)
    assert office.recalled() == (False, False)
    assert office.submission() == WrongCredentials()
    assert office.maildrop() == WrongCredentials()
    assert office.recalled() == (False, False)


def test_after_an_operators_reset_the_new_generation_opens(office: Office) -> None:
    office.registry.reset_password("alice", "new password")
    opened = office.maildrop(password="new password")
    assert isinstance(opened, OpenMaildrop)
    assert list(opened.keys) == [2]
    office.registry.recover("alice", office.first_code, "new password")
    opened = office.maildrop(password="new password")
    assert isinstance(opened, OpenMaildrop)
    assert list(opened.keys) == [1, 2]


def test_no_key_shows_in_a_repr(office: Office) -> None:
    opened = office.maildrop()
    assert isinstance(opened, OpenMaildrop)
    assert repr(opened.keys[1].seed) not in f"{opened!r}{opened.keys!r}"
    assert "alice" not in repr(opened)


# Remembering.


def test_a_right_login_is_recalled_without_any_work(office: Office) -> None:
    assert office.recalled() == (False, False)
    opened = office.maildrop()
    computed = office.computed
    assert office.authenticator.recall_submission("alice@mail.i2p", RIGHT) == office.alice
    again = office.authenticator.recall_maildrop("alice", RIGHT)
    assert isinstance(again, OpenMaildrop)
    assert isinstance(opened, OpenMaildrop)
    assert {g: key.seed for g, key in again.keys.items()} == {
        g: key.seed for g, key in opened.keys.items()
    }
    assert office.computed == computed
    assert office.recalled(password=WRONG) == (False, False)
    assert office.recalled("alice@elsewhere.org") == (False, False)


def test_sealing_keys_are_remembered_with_the_login(office: Office) -> None:
    opened = office.maildrop()
    assert isinstance(opened, OpenMaildrop)
    assert office.authenticator.recall_sealing_keys(opened) == {}
    office.authenticator.remember_sealing_keys(opened, {7: bytes(32)})
    again = office.authenticator.recall_maildrop("alice", RIGHT)
    assert again is not None
    assert office.authenticator.recall_sealing_keys(again) == {7: bytes(32)}
    office.now += 300
    assert office.authenticator.recall_sealing_keys(again) == {}


def test_a_reset_leaves_no_sealing_key_to_the_new_login(office: Office) -> None:
    old = office.maildrop()
    assert isinstance(old, OpenMaildrop)
    office.authenticator.remember_sealing_keys(old, {7: bytes(32)})
    office.registry.reset_password("alice", "new password")
    new = office.maildrop(password="new password")
    assert isinstance(new, OpenMaildrop)
    assert office.authenticator.recall_sealing_keys(new) == {}
    office.authenticator.remember_sealing_keys(new, {8: bytes(32)})
    office.authenticator.remember_sealing_keys(old, {7: bytes(32)})
    assert office.authenticator.recall_sealing_keys(new) == {8: bytes(32)}
    assert office.authenticator.recall_sealing_keys(old) == {}


def test_submission_remembers_no_private_key(office: Office) -> None:
    office.submission()
    assert office.recalled() == (True, False)


def test_a_login_is_remembered_for_five_minutes(office: Office) -> None:
    office.maildrop()
    office.now += 299
    assert office.recalled() == (True, True)
    office.now += 1
    assert office.recalled() == (False, False)
    office.authenticator.forget_expired()
    office.now -= 1
    assert office.recalled() == (False, False)


def test_a_change_of_another_account_costs_a_look_and_no_computation(office: Office) -> None:
    office.maildrop()
    office.registry.create("bob", RIGHT)
    assert office.recalled() == (False, False)
    verified = office.memory.recall_submission("alice", RIGHT, office.now, office.store.epoch())
    assert verified is None
    office.now += 200  # a fresh computation would be remembered for longer than this one
    assert isinstance(office.maildrop(), OpenMaildrop)
    assert office.recalled() == (True, True)
    office.now += 100
    assert office.recalled() == (False, False)


def test_a_changed_password_ends_what_is_remembered(office: Office) -> None:
    office.maildrop()
    office.registry.change_password("alice", RIGHT, "new password")
    assert office.recalled() == (False, False)
    assert office.submission() == WrongCredentials()
    assert office.maildrop() == WrongCredentials()
    assert office.submission(password="new password") == office.alice


def test_a_deleted_account_is_not_remembered(office: Office) -> None:
    office.maildrop()
    office.registry.delete("alice")
    assert office.maildrop() == WrongCredentials()
    assert office.recalled() == (False, False)


def test_a_change_during_the_computation_is_not_missed(office: Office) -> None:
    async def scenario() -> None:
        office.held = []
        login = asyncio.create_task(office.authenticator.check_maildrop("alice", RIGHT, PEER))
        await asyncio.sleep(0)
        (turn,) = office.held
        office.held = None
        turn.set_result(None)
        office.registry.create("bob", RIGHT)
        assert isinstance(await login, OpenMaildrop)
        assert office.recalled() == (False, False)
        assert office.memory.is_stale("alice", office.store.epoch())

    asyncio.run(scenario())


# Slowing.


def test_wrong_passwords_are_slowed_more_and_more(office: Office) -> None:
    for _ in range(8):
        assert office.submission(password=WRONG) == WrongCredentials()
    assert office.pauses == [0.5, 1, 2, 4, 8]


def test_the_owner_is_slowed_by_an_attack_but_never_shut_out(office: Office) -> None:
    for _ in range(100):
        office.submission(password=WRONG, peer=b"attacker")
    office.pauses.clear()
    assert office.submission(peer=b"owner") == office.alice
    assert office.pauses == [8.0]
    for _ in range(100):
        office.submission(password=WRONG, peer=b"attacker")
    office.pauses.clear()
    # Known here from before, and remembered: neither waits.
    assert office.maildrop(peer=b"owner") != WrongCredentials()
    assert office.recalled() == (True, True)
    assert office.pauses == []


def test_unknown_names_are_slowed_like_known_ones(office: Office) -> None:
    for login in ("alice", "bob", "no name"):
        for _ in range(5):
            office.submission(login, WRONG, peer=None)
    assert office.pauses == [0.5, 1.0] * 3


# Too many at once.


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


def test_no_more_logins_than_allowed_wait_for_a_computation() -> None:
    office = Office(max_waiting=2)

    async def scenario() -> None:
        office.held = []
        check = office.authenticator.check_submission
        logins = [asyncio.create_task(check("alice", RIGHT, PEER)) for _ in range(3)]
        await asyncio.sleep(0)
        assert len(office.held) == 2
        assert await logins[2] == Busy()
        for turn in office.held:
            turn.set_result(None)
        assert await asyncio.gather(*logins[:2]) == [office.alice] * 2
        office.held = None
        assert await check("alice", RIGHT, PEER) == office.alice

    run(scenario)


def test_logins_that_find_no_turn_push_no_guesses_out_of_the_throttle() -> None:
    office = Office(max_waiting=1)
    office.throttle = office.authenticator._throttle = Throttle(KEY, max_buckets=8)
    for _ in range(6):
        office.submission(password=WRONG, peer=None)
    office.pauses.clear()

    async def flood() -> None:
        office.held = []
        check = office.authenticator.check_submission
        waiting = asyncio.create_task(check("carol", WRONG, None))
        await asyncio.sleep(0)
        for number in range(100):
            assert await check(f"nobody{number}", WRONG, None) == Busy()
        office.held[0].set_result(None)
        await waiting
        office.held = None

    run(flood)
    office.submission(password=WRONG, peer=None)
    assert office.pauses, "alice's wrong passwords are still known"


def test_those_that_queue_behind_a_right_login_find_it_remembered(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    computations = 0

    def counted(password: str, salt: bytes, cost: PasswordCost) -> object:
        nonlocal computations
        computations += 1
        return derive(password, salt, cost)

    monkeypatch.setattr("eepost.accounts.passwords.derive", counted)

    async def scenario() -> None:
        office.held = []
        check = office.authenticator.check_maildrop
        logins = [asyncio.create_task(check("alice", RIGHT, PEER)) for _ in range(5)]
        await asyncio.sleep(0)
        for turn, login in zip(office.held, logins, strict=True):
            turn.set_result(None)
            found = await login
            assert isinstance(found, OpenMaildrop)
            assert list(found.keys) == [1]

    run(scenario)
    assert computations == 1


def test_too_many_that_wait_because_of_wrong_passwords_are_busy(office: Office) -> None:
    for _ in range(10):
        office.submission(password=WRONG, peer=None)

    async def scenario() -> None:
        office.held = []
        check = office.authenticator.check_submission
        logins = [asyncio.create_task(check("alice", WRONG, None)) for _ in range(MAX_WAITING)]
        await asyncio.sleep(0)
        assert await check("alice", WRONG, None) == Busy()
        for login in logins:
            login.cancel()
        assert await asyncio.gather(*logins, return_exceptions=True)
        office.held = None
        # Those that gave up have left the line.
        assert await check("alice", RIGHT, None) == office.alice

    run(scenario)


def test_a_login_that_was_given_up_leaves_its_place_to_others() -> None:
    office = Office(max_waiting=1)

    async def scenario() -> None:
        office.held = []
        check = office.authenticator.check_submission
        login = asyncio.create_task(check("alice", RIGHT, PEER))
        await asyncio.sleep(0)
        login.cancel()
        with pytest.raises(asyncio.CancelledError):
            await login
        office.held = None
        assert await check("alice", RIGHT, PEER) == office.alice

    run(scenario)


# Sessions that go on.


def in_force(office: Office, account: Account) -> bool:
    return asyncio.run(office.authenticator.is_in_force(account))


def test_a_login_is_in_force_until_its_password_changes_or_the_account_ends(
    office: Office,
) -> None:
    account, epoch = office.alice, office.authenticator.epoch()
    assert in_force(office, account)
    office.registry.rotate_keys("alice", RIGHT)
    assert office.authenticator.epoch() != epoch
    assert in_force(office, account), "new keys end no session"
    office.registry.set_state("alice", State.DISABLED)
    assert not in_force(office, account)
    office.registry.set_state("alice", State.ENABLED)
    assert in_force(office, account)
    office.registry.change_password("alice", RIGHT, "another password")
    assert not in_force(office, account)
    account = office.alice
    office.registry.delete("alice")
    assert not in_force(office, account)


# The store.


def test_a_store_that_fails_is_no_wrong_password(office: Office) -> None:
    for _ in range(20):
        office.store.is_unavailable = True
        for question in (office.submission, office.maildrop, office.recalled):
            with pytest.raises(StoreUnavailable):
                question()
    office.store.is_unavailable = False
    assert office.submission() == office.alice
    assert office.pauses == []


def test_the_default_cost_is_what_new_accounts_get() -> None:
    office = Office()
    plain = Authenticator(
        office.store,
        frozenset(),
        office.memory,
        office.throttle,
        compute=office.compute,
        look_up=office.compute,
        clock=lambda: 0.0,
        pause=office.pause,
        max_waiting=1,
    )
    assert plain._cost == PasswordCost()
    assert asyncio.run(plain.check_submission("bob", RIGHT, None)) == WrongCredentials()


def test_an_account_record_that_was_moved_opens_no_key(office: Office) -> None:
    account = office.alice
    moved = replace(account, number=account.number ^ 1)
    office.store.replace(moved, account)
    opened = office.maildrop()
    assert isinstance(opened, OpenMaildrop)
    assert opened.keys == {}
