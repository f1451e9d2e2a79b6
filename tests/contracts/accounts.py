# SPDX-License-Identifier: Apache-2.0
"""What every AccountStore must do. A test class for an adapter inherits it and gives `store`."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from eepost.accounts.invitations import Invitation
from eepost.accounts.model import Account, State
from eepost.accounts.ports import (
    AccountChanged,
    AccountStore,
    InvitationUsed,
    NameTaken,
    NoSuchAccount,
)
from tests.contracts.samples import account, key_pair


class AccountStoreContract:
    @pytest.fixture
    def store(self) -> AccountStore:
        """Return an empty store."""
        raise NotImplementedError

    def test_an_added_account_is_found_as_it_was(self, store: AccountStore) -> None:
        alice = account("alice", key_pair(1, is_reset=True), key_pair(2), maildrop_octets=123_456)
        bob = account("bob")
        store.add(alice)
        store.add(bob)
        assert store.find("alice") == alice
        assert store.find("bob") == bob

    def test_an_invitation_makes_one_account(self, store: AccountStore) -> None:
        invitation = Invitation(b"tag", 20_000)
        store.add(account("alice"), invitation)
        with pytest.raises(InvitationUsed):
            store.add(account("bob"), invitation)
        assert store.find("bob") is None
        with pytest.raises(NameTaken):
            store.add(account("alice"), Invitation(b"another", 20_000))
        store.add(account("carol"), Invitation(b"another", 20_000))

    def test_an_unknown_name_finds_nothing(self, store: AccountStore) -> None:
        store.add(account("alice"))
        assert store.find("alic") is None
        assert store.find("alice2") is None
        assert store.find("") is None

    def test_a_name_is_given_once(self, store: AccountStore) -> None:
        alice = account("alice")
        store.add(alice)
        with pytest.raises(NameTaken):
            store.add(account("alice"))
        assert store.find("alice") == alice

    def test_a_deleted_name_is_never_given_again(self, store: AccountStore) -> None:
        store.add(account("alice"))
        store.delete("alice")
        with pytest.raises(NameTaken):
            store.add(account("alice"))
        assert store.find("alice") is None

    def test_a_replaced_account_is_found_changed(self, store: AccountStore) -> None:
        alice, bob = account("alice"), account("bob")
        store.add(alice)
        store.add(bob)
        changed = replace(alice, state=State.DISABLED, keys=(*alice.keys, key_pair(2)))
        store.replace(changed, alice)
        assert store.find("alice") == changed
        assert store.find("bob") == bob

    def test_only_an_account_that_is_there_is_replaced(self, store: AccountStore) -> None:
        alice = account("alice")
        with pytest.raises(NoSuchAccount):
            store.replace(alice, alice)
        assert store.find("alice") is None

    def test_a_deleted_account_is_not_brought_back_by_a_change(self, store: AccountStore) -> None:
        alice = account("alice")
        store.add(alice)
        store.delete("alice")
        with pytest.raises(NoSuchAccount):
            store.replace(replace(alice, state=State.DISABLED), alice)
        assert store.find("alice") is None

    def test_of_two_changes_at_once_the_second_is_refused(self, store: AccountStore) -> None:
        alice = account("alice")
        store.add(alice)
        first = replace(alice, keys=(*alice.keys, key_pair(2)))
        store.replace(first, alice)
        with pytest.raises(AccountChanged):
            store.replace(replace(alice, state=State.DISABLED), alice)
        assert store.find("alice") == first

    def test_a_deleted_account_is_gone(self, store: AccountStore) -> None:
        alice, bob = account("alice"), account("bob")
        store.add(alice)
        store.add(bob)
        store.delete("alice")
        assert store.find("alice") is None
        assert list(store.accounts()) == [bob]
        with pytest.raises(NoSuchAccount):
            store.delete("alice")

    def test_an_unknown_name_is_not_deleted(self, store: AccountStore) -> None:
        with pytest.raises(NoSuchAccount):
            store.delete("alice")
        store.add(account("alice"))
        assert store.find("alice") is not None

    def test_all_accounts_are_listed(self, store: AccountStore) -> None:
        assert list(store.accounts()) == []
        expected = [account(f"user{at}") for at in range(20)]
        for each in expected:
            store.add(each)
        assert sorted(store.accounts(), key=_name) == sorted(expected, key=_name)

    def test_a_certificate_belongs_to_its_account(self, store: AccountStore) -> None:
        alice, bob = account("alice"), account("bob")
        store.add(alice)
        store.add(bob)
        before = store.epoch()
        store.keep_certificate(alice.number, b"first")
        store.keep_certificate(alice.number, b"second")
        assert store.certificate(alice.number) == b"second"
        assert store.certificate(bob.number) is None
        assert store.epoch() != before
        store.keep_certificate(alice.number, None)
        assert store.certificate(alice.number) is None
        store.keep_certificate(alice.number, b"third")
        store.delete("alice")
        assert store.certificate(alice.number) is None
        with pytest.raises(NoSuchAccount):
            store.keep_certificate(alice.number, b"fourth")

    def test_a_role_belongs_to_the_last_account_that_got_it(self, store: AccountStore) -> None:
        store.add(account("alice"))
        store.add(account("bob"))
        assert store.roles() == {}
        store.assign_role("postmaster", "alice")
        store.assign_role("abuse", "alice")
        store.assign_role("abuse", "bob")
        assert store.roles() == {"postmaster": "alice", "abuse": "bob"}

    def test_a_role_goes_to_an_account_only(self, store: AccountStore) -> None:
        with pytest.raises(NoSuchAccount):
            store.assign_role("postmaster", "alice")
        assert store.roles() == {}

    def test_a_deleted_account_has_no_roles(self, store: AccountStore) -> None:
        store.add(account("alice"))
        store.add(account("bob"))
        store.assign_role("postmaster", "alice")
        store.assign_role("abuse", "bob")
        store.delete("alice")
        assert store.roles() == {"abuse": "bob"}

    @pytest.mark.parametrize(
        "change",
        [
            lambda store, _: store.add(account("bob")),
            lambda store, alice: store.replace(replace(alice, state=State.DISABLED), alice),
            lambda store, _: store.delete("alice"),
            lambda store, _: store.assign_role("abuse", "alice"),
        ],
        ids=["add", "replace", "delete", "assign_role"],
    )
    def test_the_epoch_changes_with_every_account_and_role(
        self, store: AccountStore, change: Callable[[AccountStore, Account], None]
    ) -> None:
        alice = account("alice")
        seen = {store.epoch()}
        store.add(alice)
        seen.add(store.epoch())
        change(store, alice)
        seen.add(store.epoch())
        assert len(seen) == 3

    def test_reading_leaves_the_epoch_alone(self, store: AccountStore) -> None:
        store.add(account("alice"))
        before = store.epoch()
        store.find("alice")
        list(store.accounts())
        store.roles()
        assert store.epoch() == before


def _name(each: Account) -> str:
    return each.name
