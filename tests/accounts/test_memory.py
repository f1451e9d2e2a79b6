# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eepost.accounts import memory as memory_module
from eepost.accounts.memory import LoginMemory
from eepost.accounts.model import Account, State
from tests.contracts.samples import account, octets

ALICE, BOB = account("alice"), account("bob")
SEEDS = {1: octets("one", 96), 7: octets("seven", 96)}
KEY = bytes(range(32))
EPOCH = 5


def remembering(lifetime_seconds: float = 300.0, max_entries: int = 10) -> LoginMemory:
    memory = LoginMemory(KEY, lifetime_seconds, max_entries)
    memory.remember_submission(ALICE, "password", 1000.0, EPOCH)
    memory.remember_maildrop(ALICE, "password", SEEDS, 1000.0, EPOCH)
    return memory


def recalled(
    memory: LoginMemory,
    name: str = "alice",
    password: str = "password",
    now: float = 1000.0,
    epoch: int = EPOCH,
) -> tuple[bool, bool]:
    """Return whether submission and maildrop are recalled."""
    submission = memory.recall_submission(name, password, now, epoch)
    maildrop = memory.recall_maildrop(name, password, now, epoch)
    return submission is not None, maildrop is not None


def test_a_right_login_is_recalled() -> None:
    memory = remembering()
    assert memory.recall_submission("alice", "password", 1000.0, EPOCH) == ALICE
    assert memory.recall_maildrop("alice", "password", 1000.0, EPOCH) == (ALICE, SEEDS)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("alice", "passworD"),
        ("alice", ""),
        ("alice", "password\0"),
        ("alice", "password\ud800"),
        ("bob", "password"),
        ("alicep", "assword"),
    ],
)
def test_another_name_or_password_is_not(name: str, password: str) -> None:
    assert recalled(remembering(), name, password) == (False, False)


@settings(max_examples=50)
@given(st.text(max_size=20))
def test_a_maildrop_without_any_readable_key_is_recalled_too(password: str) -> None:
    memory = LoginMemory(KEY)
    memory.remember_maildrop(ALICE, password, {}, 0.0, EPOCH)
    assert memory.recall_maildrop("alice", password, 1.0, EPOCH) == (ALICE, {})


def test_each_kind_of_login_is_remembered_by_itself() -> None:
    memory = LoginMemory(KEY)
    memory.remember_submission(ALICE, "password", 1000.0, EPOCH)
    assert recalled(memory) == (True, False)
    memory = LoginMemory(KEY)
    memory.remember_maildrop(ALICE, "password", SEEDS, 1000.0, EPOCH)
    assert recalled(memory) == (False, True)


def test_a_login_is_recalled_for_its_lifetime_and_no_longer() -> None:
    memory = remembering(lifetime_seconds=300.0)
    assert recalled(memory, now=1299.9) == (True, True)
    assert recalled(memory, now=1300.0) == (False, False)


def test_recalling_does_not_prolong_the_lifetime() -> None:
    memory = remembering(lifetime_seconds=300.0)
    assert recalled(memory, now=1200.0) == (True, True)
    assert recalled(memory, now=1301.0) == (False, False)


def test_what_is_too_old_is_forgotten_and_the_rest_kept() -> None:
    memory = remembering(lifetime_seconds=300.0)
    memory.remember_submission(BOB, "password", 1100.0, EPOCH)
    memory.forget_expired(1300.0)
    # Asked as of an earlier moment, what was only passed over would still be there.
    assert recalled(memory, now=1000.0) == (False, False)
    assert recalled(memory, name="bob", now=1300.0) == (True, False)


def test_what_was_remembered_again_lives_on() -> None:
    memory = remembering(lifetime_seconds=300.0)
    memory.remember_submission(BOB, "password", 1100.0, EPOCH)
    memory.remember_submission(ALICE, "password", 1200.0, EPOCH)
    memory.forget_expired(1400.0)
    assert recalled(memory, name="bob", now=1000.0) == (False, False)
    assert recalled(memory, now=1400.0) == (True, False)


def test_the_oldest_is_forgotten_when_there_are_too_many() -> None:
    memory = LoginMemory(KEY, max_entries=2)
    for at, each in enumerate((ALICE, BOB, account("carol"))):
        memory.remember_submission(each, "password", at, EPOCH)
    names = ("alice", "bob", "carol")
    assert [recalled(memory, name, now=3.0)[0] for name in names] == [False, True, True]


# The epoch.


def test_nothing_is_recalled_at_another_epoch() -> None:
    memory = remembering()
    assert recalled(memory, epoch=EPOCH + 1) == (False, False)
    assert recalled(memory, epoch=EPOCH - 1) == (False, False)


def test_an_account_that_is_as_it_was_is_recalled_at_the_new_epoch() -> None:
    memory = remembering()
    assert memory.is_stale("alice", EPOCH + 1)
    memory.confirm("alice", replace(ALICE), EPOCH + 1)
    assert not memory.is_stale("alice", EPOCH + 1)
    assert recalled(memory, epoch=EPOCH + 1) == (True, True)


@pytest.mark.parametrize(
    "now_kept",
    [None, replace(ALICE, state=State.DISABLED), replace(ALICE, keys=()), BOB],
    ids=["deleted", "disabled", "other keys", "another account"],
)
def test_an_account_that_changed_is_forgotten(now_kept: object) -> None:
    memory = remembering()
    memory.confirm("alice", now_kept, EPOCH + 1)  # type: ignore[arg-type]
    assert recalled(memory, epoch=EPOCH + 1) == (False, False)
    assert recalled(memory, epoch=EPOCH) == (False, False)


def test_only_what_is_remembered_at_another_epoch_is_stale() -> None:
    memory = remembering()
    assert not memory.is_stale("alice", EPOCH)
    assert not memory.is_stale("bob", EPOCH + 1)
    memory.confirm("bob", BOB, EPOCH + 1)
    assert recalled(memory) == (True, True)


def test_a_forgotten_account_is_not_recalled() -> None:
    memory = remembering()
    memory.remember_submission(BOB, "password", 1000.0, EPOCH)
    memory.forget("alice")
    memory.forget("nobody")
    assert recalled(memory) == (False, False)
    assert recalled(memory, "bob") == (True, False)


# Sealing keys.

SEALING_KEYS = {2**63 - 1: octets("first", 32), 0: octets("second", 32)}


def opened(
    memory: LoginMemory,
    owner: Account = ALICE,
    seeds: dict[int, bytes] = SEEDS,
    now: float = 1000.0,
) -> dict[int, bytes]:
    return memory.recall_sealing_keys(owner, seeds, now)


def with_sealing_keys() -> LoginMemory:
    memory = remembering()
    memory.remember_maildrop(BOB, "password", SEEDS, 1000.0, EPOCH)
    memory.remember_sealing_keys(ALICE, SEEDS, SEALING_KEYS, 1000.0)
    return memory


def test_sealing_keys_that_a_login_opened_are_recalled_for_it_alone() -> None:
    memory = with_sealing_keys()
    assert opened(memory) == SEALING_KEYS
    assert opened(memory, replace(ALICE)) == SEALING_KEYS
    assert opened(memory, BOB) == {}
    assert opened(remembering()) == {}


def test_sealing_keys_add_up() -> None:
    memory = with_sealing_keys()
    memory.remember_sealing_keys(ALICE, SEEDS, {5: octets("third", 32)}, 1001.0)
    memory.remember_sealing_keys(ALICE, SEEDS, {}, 1002.0)
    assert opened(memory) == SEALING_KEYS | {5: octets("third", 32)}


def test_of_too_many_sealing_keys_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "MAX_SEALING_KEYS", 3)
    memory = remembering()
    for number in range(10):
        memory.remember_sealing_keys(ALICE, SEEDS, {number: octets(f"{number}", 32)}, 1000.0)
    assert list(opened(memory)) == [7, 8, 9]
    memory.remember_sealing_keys(ALICE, SEEDS, {n: bytes(32) for n in range(20, 30)}, 1000.0)
    assert list(opened(memory)) == [27, 28, 29]


def test_sealing_keys_live_no_longer_than_their_login() -> None:
    memory = with_sealing_keys()
    memory.remember_sealing_keys(ALICE, SEEDS, {5: bytes(32)}, 1299.0)
    assert len(opened(memory, now=1299.9)) == 3
    assert opened(memory, now=1300.0) == {}
    memory.remember_sealing_keys(ALICE, SEEDS, {6: bytes(32)}, 1300.0)
    assert len(opened(memory, now=1299.9)) == 3  # what came too late was not kept
    memory.forget_expired(1300.0)
    assert opened(memory, now=1299.9) == {}


@pytest.mark.parametrize("forget", ["forget", "changed", "remembered anew"])
def test_sealing_keys_are_forgotten_with_their_login(forget: str) -> None:
    memory = with_sealing_keys()
    if forget == "forget":
        memory.forget("alice")
    elif forget == "changed":
        memory.confirm("alice", replace(ALICE, keys=()), EPOCH + 1)
    else:
        memory.remember_maildrop(ALICE, "password", SEEDS, 1100.0, EPOCH)
    assert opened(memory) == {}


def test_sealing_keys_stay_where_another_account_changed() -> None:
    memory = with_sealing_keys()
    memory.confirm("alice", replace(ALICE), EPOCH + 1)
    assert opened(memory) == SEALING_KEYS


def test_a_session_from_before_a_change_neither_gets_nor_gives_sealing_keys() -> None:
    memory = with_sealing_keys()
    before = replace(ALICE, keys=())
    memory.remember_sealing_keys(before, SEEDS, {5: bytes(32)}, 1000.0)
    assert opened(memory, before) == {}
    assert opened(memory) == SEALING_KEYS


def test_a_login_that_is_not_remembered_keeps_no_sealing_keys() -> None:
    memory = LoginMemory(KEY)
    memory.remember_submission(ALICE, "password", 1000.0, EPOCH)
    memory.remember_sealing_keys(ALICE, SEEDS, SEALING_KEYS, 1000.0)
    assert opened(memory) == {}
    unremembering = remembering(lifetime_seconds=0.0)
    unremembering.remember_sealing_keys(ALICE, SEEDS, SEALING_KEYS, 1000.0)
    assert opened(unremembering, now=999.0) == {}


def test_sealing_keys_open_under_the_private_keys_alone() -> None:
    memory = with_sealing_keys()
    assert opened(memory, seeds={}) == {}
    assert opened(memory, seeds={**SEEDS, 7: octets("another", 96)}) == {}
    other = LoginMemory(KEY[::-1])
    other._maildrops = memory._maildrops
    assert opened(other) == {}
    memory._maildrops["bob"].sealing_keys = memory._maildrops["alice"].sealing_keys
    assert opened(memory, BOB) == {}


def test_no_sealing_key_lies_in_memory() -> None:
    held = everything(with_sealing_keys())
    assert not any(key[:8] in held or key[-8:] in held for key in SEALING_KEYS.values())


def test_each_sealing_uses_another_nonce() -> None:
    memory = with_sealing_keys()
    entry = memory._maildrops["alice"]
    nonces = {entry.nonce, memory._maildrops["bob"].nonce}
    for _ in range(3):
        nonces.add(entry.sealing_keys[:12])
        memory.remember_sealing_keys(ALICE, SEEDS, SEALING_KEYS, 1000.0)
    assert len(nonces) == 5


# Listings.

LISTING = octets("alice's listing", 6_600)


def with_listing() -> LoginMemory:
    memory = remembering()
    memory.remember_maildrop(BOB, "password", SEEDS, 1000.0, EPOCH)
    memory.remember_listing(ALICE, SEEDS, 3, LISTING, 1000.0)
    return memory


def test_a_listing_is_recalled_for_its_login_and_mark_alone() -> None:
    memory = with_listing()
    assert memory.recall_listing(ALICE, SEEDS, 3, 1000.0) == LISTING
    assert memory.recall_listing(ALICE, SEEDS, 4, 1000.0) is None
    assert memory.recall_listing(BOB, SEEDS, 3, 1000.0) is None
    assert memory.recall_listing(ALICE, SEEDS, 3, 1300.0) is None
    assert remembering().recall_listing(ALICE, SEEDS, 0, 1000.0) is None


def test_a_newer_listing_takes_the_older_ones_place() -> None:
    memory = with_listing()
    memory.remember_listing(ALICE, SEEDS, 4, b"newer", 1000.0)
    assert memory.recall_listing(ALICE, SEEDS, 4, 1000.0) == b"newer"
    assert memory.recall_listing(ALICE, SEEDS, 3, 1000.0) is None


def test_a_long_listing_is_not_remembered() -> None:
    memory = remembering()
    memory.remember_listing(ALICE, SEEDS, 3, bytes(memory_module.MAX_LISTING_OCTETS + 1), 1000.0)
    assert memory.recall_listing(ALICE, SEEDS, 3, 1000.0) is None


def test_a_session_from_before_a_change_neither_gets_nor_gives_a_listing() -> None:
    memory = with_listing()
    before = replace(ALICE, keys=())
    memory.remember_listing(before, SEEDS, 3, b"older", 1000.0)
    assert memory.recall_listing(before, SEEDS, 3, 1000.0) is None
    assert memory.recall_listing(ALICE, SEEDS, 3, 1000.0) == LISTING
    memory.forget("alice")
    assert memory.recall_listing(ALICE, SEEDS, 3, 1000.0) is None


def test_a_listing_opens_under_the_private_keys_alone() -> None:
    memory = with_listing()
    assert memory.recall_listing(ALICE, {}, 3, 1000.0) is None
    entry = memory._maildrops["alice"]
    memory.remember_sealing_keys(ALICE, SEEDS, SEALING_KEYS, 1000.0)
    entry.listing = entry.sealing_keys  # what was sealed for another purpose
    assert memory.recall_listing(ALICE, SEEDS, 3, 1000.0) is None


def test_no_listing_lies_in_memory() -> None:
    held = everything(with_listing())
    assert len(held) > len(LISTING)
    assert LISTING[:8] not in held


# What lies in memory.


def everything(memory: LoginMemory) -> bytes:
    entries = [*memory._submission.values(), *memory._maildrops.values()]
    return b"".join(each.sealing_keys + each.listing + each.proof + each.nonce for each in entries)


def test_no_password_and_no_seed_lies_in_memory() -> None:
    held = everything(remembering())
    assert b"password" not in held
    assert not any(seed[:8] in held or seed[-8:] in held for seed in SEEDS.values())


def test_remembering_twice_uses_another_nonce() -> None:
    memory = remembering()
    first = everything(memory)
    memory.remember_maildrop(ALICE, "password", {1: octets("other", 96)}, 1000.0, EPOCH)
    second = everything(memory)
    assert first[-12:] != second[-12:]


def test_name_and_password_are_not_shifted_against_each_other() -> None:
    memory = LoginMemory(KEY)
    for name, password in (("alice", "password"), ("alicep", "assword")):
        memory.remember_submission(account(name), password, 1000.0, EPOCH)
    one, two = memory._submission.values()
    assert one.proof != two.proof


def test_another_process_key_recalls_nothing() -> None:
    memory = remembering()
    other = LoginMemory(KEY[::-1])
    other._submission, other._maildrops = memory._submission, memory._maildrops
    assert recalled(other) == (False, False)


def test_no_secret_shows_in_a_repr() -> None:
    memory = remembering()
    (entry,) = memory._maildrops.values()
    assert "proof" not in repr(entry)
    assert KEY.hex() not in repr(memory)
