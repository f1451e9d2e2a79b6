# SPDX-License-Identifier: Apache-2.0
"""Binding accounts, and what those who are bound may ask for."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from eepost.accounts.bindings import BindingTokens
from eepost.accounts.model import Account, PasswordCost, State
from eepost.accounts.ports import AccountChanged
from eepost.accounts.preferences import IrcBinding
from eepost.accounts.registry import Registry
from eepost.services.notify import commands
from eepost.services.notify.binder import Binder
from eepost.services.notify.bot import Asked
from eepost.services.notify.commands import Command, Verb
from tests.accounts.fakes import MemoryAccounts
from tests.seal.chance import chance

T = TypeVar("T")


class Store(MemoryAccounts):
    """Accounts that somebody else may change at the same time."""

    changes = 0

    def replace(self, account: Account, instead_of: Account) -> None:
        if self.changes:
            self.changes -= 1
            raise AccountChanged
        super().replace(account, instead_of)


class Office:
    def __init__(self) -> None:
        self.store = Store()
        self.registry = Registry(self.store, chance(), PasswordCost(8, 1, 1))
        for name in ("alice", "bob"):
            self.registry.create(name, "right password")
        self.tokens = BindingTokens(b"k" * 32, lambda: 0.0, chance())
        self.now = 1_795_000_000.0
        self.binder = self.restarted()

    def restarted(self) -> Binder:
        return Binder(self.store, self.registry, self.tokens, self._compute, lambda: self.now)

    async def _compute(self, work: Callable[[], T]) -> T:
        return work()

    def token(self, name: str = "alice") -> str:
        return self.tokens.make(self.registry.find(name))

    async def asks(
        self, verb: Verb, argument: str = "", who: str = "amyacct", nick: str = "amy"
    ) -> str:
        return (await self.binder.answer(Asked(nick, who, Command(verb, argument)))).text

    def binding(self, name: str = "alice") -> IrcBinding | None:
        return self.registry.find(name).preferences.irc


async def test_a_token_binds_services_account_and_nick_to_its_account() -> None:
    office = Office()
    assert "You are bound" in await office.asks(Verb.BIND, office.token())
    assert office.binding() == IrcBinding("amy", "amyacct")
    assert office.binding("bob") is None
    assert await office.asks(Verb.STATUS) == "News comes to amy within 60 minutes."


async def test_whoever_is_not_logged_in_binds_nothing_and_keeps_the_token() -> None:
    office = Office()
    token = office.token()
    assert await office.asks(Verb.BIND, token, who="") == commands.NOT_LOGGED_IN
    assert office.binding() is None
    await office.asks(Verb.BIND, token)
    assert office.binding() is not None


async def test_a_token_that_was_used_binds_nobody_else() -> None:
    office = Office()
    token = office.token()
    await office.asks(Verb.BIND, token)
    assert await office.asks(Verb.BIND, token, who="mallory") == commands.NOT_OURS
    assert office.binding() == IrcBinding("amy", "amyacct")


async def test_a_token_of_an_account_that_is_gone_or_shut_binds_nothing() -> None:
    office = Office()
    token, shut = office.token(), office.token("bob")
    office.registry.delete("alice")
    office.registry.set_state("bob", State.DISABLED)
    assert await office.asks(Verb.BIND, token) == commands.NOT_OURS
    assert await office.asks(Verb.BIND, shut) == commands.NOT_OURS


async def test_one_services_account_is_bound_to_one_mailbox() -> None:
    office = Office()
    await office.asks(Verb.BIND, office.token())
    token = office.token("bob")
    assert await office.asks(Verb.BIND, token, who="AMYACCT") == commands.BOUND_ALREADY
    await office.asks(Verb.UNBIND)
    assert "You are bound" in await office.asks(Verb.BIND, token)
    assert (office.binding(), office.binding("bob")) == (None, IrcBinding("amy", "amyacct"))


async def test_a_mailbox_that_is_bound_anew_keeps_its_window_and_leaves_the_one_before() -> None:
    office = Office()
    await office.asks(Verb.BIND, office.token())
    office.registry.adjust(
        "alice", lambda old: replace(old, irc=IrcBinding("amy", "amyacct", 240, 5))
    )
    await office.asks(Verb.BIND, office.token(), who="other", nick="ann")
    assert office.binding() == IrcBinding("ann", "other", 240)
    assert await office.asks(Verb.UNBIND) == commands.NOT_BOUND
    assert office.binding() is not None


async def test_commands_of_strangers_change_nothing() -> None:
    office = Office()
    await office.asks(Verb.BIND, office.token())
    before = office.binding()
    for verb in (Verb.UNBIND, Verb.STATUS, Verb.QUIET):
        assert await office.asks(verb, "8h", who="mallory") == commands.NOT_BOUND
        assert await office.asks(verb, "8h", who="") == commands.NOT_LOGGED_IN
    assert office.binding() == before


async def test_quiet_is_kept_shown_and_ended() -> None:
    office = Office()
    await office.asks(Verb.BIND, office.token())
    assert "2026-" in await office.asks(Verb.QUIET, "8h")
    assert office.binding() == IrcBinding("amy", "amyacct", 60, 1_795_028_800)
    assert "I am quiet until 2026-" in await office.asks(Verb.STATUS)
    assert await office.asks(Verb.QUIET, "for a while") == commands.QUIET_SPAN
    assert await office.asks(Verb.QUIET, "off") == commands.NO_LONGER_QUIET
    assert office.binding() == IrcBinding("amy", "amyacct")


async def test_bindings_outlive_a_restart_and_what_the_portal_ended_is_ended() -> None:
    office = Office()
    await office.asks(Verb.BIND, office.token())
    office.binder = office.restarted()
    assert "News comes to amy" in await office.asks(Verb.STATUS, who="AmyAcct")
    office.registry.adjust("alice", lambda old: replace(old, irc=None))
    assert await office.asks(Verb.STATUS) == commands.NOT_BOUND


async def test_the_binding_of_another_account_with_the_same_name_is_nobodys() -> None:
    office = Office()
    await office.asks(Verb.BIND, office.token())
    alice = office.registry.find("alice")
    assert await office.binder.binding(alice.number, "alice") == IrcBinding("amy", "amyacct")
    assert await office.binder.binding(alice.number + 1, "alice") is None
    assert await office.binder.binding(alice.number, "nobody") is None
    office.registry.set_state("alice", State.DISABLED)
    assert await office.binder.binding(alice.number, "alice") is None


async def test_a_store_that_is_away_costs_an_answer_and_a_change_at_the_same_time_none() -> None:
    office = Office()
    token = office.token()
    office.store.changes = 2
    assert "You are bound" in await office.asks(Verb.BIND, token)
    office.store.changes = 3
    assert await office.asks(Verb.QUIET, "8h") == commands.TRY_LATER
    office.store.is_unavailable = True
    assert await office.asks(Verb.STATUS) == commands.TRY_LATER


def test_no_repr_shows_who_is_bound() -> None:
    shown = repr((IrcBinding("amy", "amyacct"), Asked("amy", "amyacct", Command(Verb.BIND, "tok"))))
    assert "amy" not in shown
    assert "tok" not in shown
