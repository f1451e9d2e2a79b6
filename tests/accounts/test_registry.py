# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest

from eepost.accounts.keyring import Door, new_generation, open_seeds
from eepost.accounts.model import Account, KeyPair, PasswordCost, State
from eepost.accounts.names import NameRefused
from eepost.accounts.passwords import PasswordRefused, verify
from eepost.accounts.ports import AccountChanged, NameTaken, NoSuchAccount
from eepost.accounts.preferences import Delay
from eepost.accounts.registry import (
    OldRecoveryCode,
    Registry,
    WrongPassword,
    WrongRecoveryCode,
)
from eepost.seal.keypair import PrivateKey
from eepost.seal.recovery import RecoveryCode, RecoveryCodeRefused
from tests.accounts.fakes import MemoryAccounts
from tests.contracts.samples import account as sample
from tests.seal.chance import chance

CHEAP = PasswordCost(8, 1, 1)
OLD, NEW = "old password", "new password"


class Office:
    """A registry over a store in memory, and what its users could open."""

    def __init__(self) -> None:
        self.store = MemoryAccounts()
        self.registry = Registry(self.store, chance(), CHEAP)
        self.first_code = self.registry.create("alice", OLD).recovery_code

    def by_password(self, password: str) -> dict[int, bytes]:
        account = self.registry.find("alice")
        derived = verify(password, account.password)
        assert derived is not None, "wrong password"
        return checked(account, open_seeds(account, Door.PASSWORD, derived.wrapping_key))

    def by_code(self, code: str) -> dict[int, bytes]:
        account = self.registry.find("alice")
        key = RecoveryCode.from_text(code).wrapping_key()
        return checked(account, open_seeds(account, Door.RECOVERY, key))

    def is_password(self, password: str) -> bool:
        return verify(password, self.registry.find("alice").password) is not None


def checked(account: Account, seeds: dict[int, bytes]) -> dict[int, bytes]:
    """Return `seeds`, each of which must be the private half of its generation."""
    for pair in account.keys:
        if pair.generation in seeds:
            private = PrivateKey.from_seed(seeds[pair.generation])
            assert private.public_key.octets == pair.public_key
    return seeds


@pytest.fixture
def office() -> Office:
    return Office()


# Making and finding.


def test_a_new_account_opens_by_its_password_and_its_code(office: Office) -> None:
    account = office.registry.find("alice")
    assert account.state is State.ENABLED
    assert account.current_key.generation == 1
    assert account.password.cost == CHEAP
    assert 0 <= account.number < 2**63
    assert list(office.by_password(OLD)) == [1]
    assert office.by_password(OLD) == office.by_code(office.first_code)


def test_an_account_is_made_in_lower_case_and_found_in_any(office: Office) -> None:
    created = office.registry.create("Bob", OLD)
    assert created.account.name == "bob"
    assert office.registry.find("BOB") == created.account


def test_bad_names_and_passwords_make_no_account(office: Office) -> None:
    with pytest.raises(NameRefused):
        office.registry.create("postmaster", OLD)
    with pytest.raises(PasswordRefused):
        office.registry.create("bob", "short")
    with pytest.raises(NameTaken):
        office.registry.create("ALICE", OLD)
    assert len(list(office.store.accounts())) == 1


@pytest.mark.parametrize("name", ["bob", "", "no such name", "älice"])
def test_a_name_without_account_is_not_found(office: Office, name: str) -> None:
    with pytest.raises(NoSuchAccount):
        office.registry.find(name)
    with pytest.raises(NoSuchAccount):
        office.registry.delete(name)


def test_two_accounts_with_one_password_have_nothing_in_common(office: Office) -> None:
    bob = office.registry.create("bob", OLD).account
    alice = office.registry.find("alice")
    assert bob.number != alice.number
    assert bob.password.salt != alice.password.salt
    assert bob.password.verifier != alice.password.verifier
    assert bob.current_key.public_key != alice.current_key.public_key


def test_no_secret_shows_in_a_repr(office: Office) -> None:
    created = office.registry.create("bob", OLD)
    shown = repr(created)
    assert created.recovery_code not in shown
    assert "bob" not in shown
    assert str(created.account.number) not in shown


# Passwords.


def test_a_changed_password_opens_all_that_the_old_one_did(office: Office) -> None:
    office.registry.rotate_keys("alice", OLD)
    seeds = office.by_password(OLD)
    office.registry.change_password("alice", OLD, NEW)
    assert not office.is_password(OLD)
    assert office.by_password(NEW) == seeds
    assert list(seeds) == [1, 2]


def test_a_changed_password_leaves_the_code_as_it_was(office: Office) -> None:
    office.registry.change_password("alice", OLD, NEW)
    assert office.by_code(office.first_code) == office.by_password(NEW)


def test_a_password_is_changed_with_the_old_one_only(office: Office) -> None:
    before = office.registry.find("alice")
    with pytest.raises(WrongPassword):
        office.registry.change_password("alice", NEW, NEW)
    with pytest.raises(PasswordRefused):
        office.registry.change_password("alice", OLD, "short")
    assert office.registry.find("alice") == before


def test_after_a_reset_old_mail_opens_by_the_old_code_only(office: Office) -> None:
    code = office.registry.reset_password("alice", NEW)
    account = office.registry.find("alice")
    assert [pair.by_password is None for pair in account.keys] == [True, False]
    assert list(office.by_password(NEW)) == [2]
    assert list(office.by_code(code)) == [2]
    assert list(office.by_code(office.first_code)) == [1]
    assert not office.is_password(OLD)


def test_a_reset_takes_a_good_password(office: Office) -> None:
    before = office.registry.find("alice")
    with pytest.raises(PasswordRefused):
        office.registry.reset_password("alice", "short")
    assert office.registry.find("alice") == before


# Recovery codes.


def test_the_code_sets_a_new_password_that_opens_everything(office: Office) -> None:
    seeds = office.by_password(OLD)
    office.registry.recover("alice", office.first_code.lower(), NEW)
    assert not office.is_password(OLD)
    assert office.by_password(NEW) == seeds
    assert office.by_code(office.first_code) == seeds


def test_an_old_code_opens_old_mail_again_beside_the_password_of_today(office: Office) -> None:
    seeds = office.by_password(OLD)
    new_code = office.registry.reset_password("alice", NEW)
    office.registry.recover("alice", office.first_code, NEW)
    assert list(office.by_password(NEW)) == [1, 2]
    assert office.by_password(NEW)[1] == seeds[1]
    assert list(office.by_code(new_code)) == [2]


def test_an_old_code_alone_takes_no_account_over(office: Office) -> None:
    office.registry.reset_password("alice", NEW)
    before = office.registry.find("alice")
    with pytest.raises(OldRecoveryCode):
        office.registry.recover("alice", office.first_code, "third password")
    assert office.registry.find("alice") == before


def test_the_new_code_leaves_shut_what_only_the_old_one_opens(office: Office) -> None:
    new_code = office.registry.reset_password("alice", NEW)
    office.registry.recover("alice", new_code, "third password")
    assert list(office.by_password("third password")) == [2]
    assert list(office.by_code(office.first_code)) == [1]


def test_recovering_with_today_s_code_shuts_the_password_door_of_other_generations(
    office: Office,
) -> None:
    new_code = office.registry.reset_password("alice", NEW)
    office.registry.recover("alice", office.first_code, NEW)
    office.registry.recover("alice", new_code, "third password")
    # Generation 1 was wrapped under the second password, which nobody has any more.
    assert [pair.by_password is None for pair in office.registry.find("alice").keys] == [
        True,
        False,
    ]
    office.registry.recover("alice", office.first_code, "third password")
    assert list(office.by_password("third password")) == [1, 2]


def test_what_is_no_code_of_the_account_changes_nothing(office: Office) -> None:
    before = office.registry.find("alice")
    other = office.registry.create("bob", OLD).recovery_code
    with pytest.raises(WrongRecoveryCode):
        office.registry.recover("alice", other, NEW)
    with pytest.raises(RecoveryCodeRefused):
        office.registry.recover("alice", "no code", NEW)
    with pytest.raises(PasswordRefused):
        office.registry.recover("alice", office.first_code, "short")
    assert office.registry.find("alice") == before


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_what_is_no_code_does_not_tell_whether_there_is_an_account(
    office: Office, name: str
) -> None:
    with pytest.raises(RecoveryCodeRefused):
        office.registry.recover(name, "no code at all", NEW)


def test_a_taken_name_costs_no_computation(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[object] = []
    monkeypatch.setattr("eepost.accounts.registry.new_record", computed.append)
    with pytest.raises(NameTaken):
        office.registry.create("Alice", OLD)
    assert not computed


def test_a_renewed_code_takes_the_place_of_all_older_ones(office: Office) -> None:
    second = office.registry.reset_password("alice", NEW)
    office.registry.recover("alice", office.first_code, NEW)
    code = office.registry.renew_recovery_code("alice", NEW)
    assert office.by_code(code) == office.by_password(NEW)
    assert list(office.by_code(code)) == [1, 2]
    assert office.by_code(office.first_code) == office.by_code(second) == {}


def test_a_renewed_code_leaves_what_the_password_does_not_open(office: Office) -> None:
    office.registry.reset_password("alice", NEW)
    code = office.registry.renew_recovery_code("alice", NEW)
    assert list(office.by_code(code)) == [2]
    assert list(office.by_code(office.first_code)) == [1]


def test_a_code_is_renewed_with_the_password_only(office: Office) -> None:
    with pytest.raises(WrongPassword):
        office.registry.renew_recovery_code("alice", NEW)
    assert list(office.by_code(office.first_code)) == [1]


# Rotation.


def test_rotated_keys_keep_old_mail_open_and_give_one_code_for_all(office: Office) -> None:
    before = office.by_password(OLD)
    code = office.registry.rotate_keys("alice", OLD)
    after = office.by_password(OLD)
    assert list(after) == [1, 2]
    assert after[1] == before[1]
    assert office.by_code(code) == after
    assert office.by_code(office.first_code) == {}
    assert office.registry.find("alice").current_key.generation == 2


def test_keys_are_rotated_with_the_password_only(office: Office) -> None:
    with pytest.raises(WrongPassword):
        office.registry.rotate_keys("alice", NEW)
    assert len(office.registry.find("alice").keys) == 1


def test_a_change_that_somebody_made_meanwhile_is_not_undone(office: Office) -> None:
    class Slow(MemoryAccounts):
        def replace(self, account: Account, instead_of: Account) -> None:
            if not self.roles():
                self.add_role()
                registry.rotate_keys("alice", OLD)
            super().replace(account, instead_of)

        def add_role(self) -> None:
            self.assign_role("abuse", "alice")

    store = Slow()
    registry = Registry(store, chance(), CHEAP)
    registry.create("alice", OLD)
    with pytest.raises(AccountChanged):
        registry.change_password("alice", OLD, NEW)
    assert len(registry.find("alice").keys) == 2


# Wrapped seeds have one place.


@pytest.mark.parametrize(
    "swap",
    [
        lambda one, two: (replace(one, by_password=two.by_password), two),
        lambda one, two: (replace(one, by_password=one.by_recovery), two),
        lambda one, two: (replace(one, generation=2), replace(two, generation=1)),
    ],
    ids=["generation", "door", "both"],
)
def test_a_wrapped_seed_opens_in_its_own_place_only(office: Office, swap: object) -> None:
    assert callable(swap)
    office.registry.rotate_keys("alice", OLD)
    account = office.registry.find("alice")
    keys: tuple[KeyPair, ...] = swap(*account.keys)
    office.store.replace(replace(account, keys=keys), account)
    assert 1 not in office.by_password(OLD)


def test_one_door_s_wrapped_seed_does_not_pass_for_the_other_s_under_the_same_key() -> None:
    key = bytes(range(32))
    pair = new_generation(7, 1, {Door.PASSWORD: key, Door.RECOVERY: key}, chance())
    account = replace(sample("alice"), number=7, keys=(pair,))
    assert list(open_seeds(account, Door.PASSWORD, key)) == [1]
    swapped = replace(pair, by_password=pair.by_recovery)
    assert open_seeds(replace(account, keys=(swapped,)), Door.PASSWORD, key) == {}


def test_a_wrapped_seed_opens_for_its_own_account_only(office: Office) -> None:
    account = office.registry.find("alice")
    moved = replace(account, number=account.number ^ 1)
    derived = verify(OLD, moved.password)
    assert derived is not None
    assert open_seeds(moved, Door.PASSWORD, derived.wrapping_key) == {}


# State, end, roles.


def test_a_state_is_set_once(office: Office) -> None:
    office.registry.set_state("Alice", State.DISABLED)
    assert office.registry.find("alice").state is State.DISABLED
    epoch = office.store.epoch()
    office.registry.set_state("alice", State.DISABLED)
    assert office.store.epoch() == epoch


def test_a_deleted_name_is_taken_for_ever(office: Office) -> None:
    office.registry.delete("Alice")
    with pytest.raises(NoSuchAccount):
        office.registry.find("alice")
    with pytest.raises(NameTaken):
        office.registry.create("alice", OLD)


def test_a_role_goes_to_an_account(office: Office) -> None:
    office.registry.assign_role("Postmaster", "Alice")
    assert office.registry.roles() == {"postmaster": "alice"}
    with pytest.raises(NameRefused):
        office.registry.assign_role("bob", "alice")
    with pytest.raises(NoSuchAccount):
        office.registry.assign_role("abuse", "bob")


def test_the_default_cost_is_used_where_none_is_given() -> None:
    registry = Registry(MemoryAccounts(), chance())
    assert registry.create("alice", OLD).account.password.cost == PasswordCost()


def test_preferences_are_kept_and_only_written_where_they_change(office: Office) -> None:
    office.registry.adjust("Alice", lambda old: replace(old, delay=Delay.BATCH))
    assert office.registry.find("alice").preferences.delay is Delay.BATCH
    before = office.store.epoch()
    office.registry.adjust("alice", lambda old: replace(old, delay=Delay.BATCH))
    assert office.store.epoch() == before
