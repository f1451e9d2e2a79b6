# SPDX-License-Identifier: Apache-2.0
"""Binds accounts to people on IRC, and does what these ask for.

The binding lies in the account's record, under the start key. In memory is only which services
account leads to which name, and it is never believed: the record has the last word, so that what
the portal, the command line or another process changed holds at once.

Trust: who asks is who the IRC server says he is.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from eepost.accounts.bindings import BindingTokens
from eepost.accounts.model import Account, State
from eepost.accounts.ports import AccountChanged, AccountStore, Compute, NoSuchAccount
from eepost.accounts.preferences import IrcBinding, Preferences
from eepost.accounts.registry import Registry
from eepost.maildrop.ports import StoreUnavailable
from eepost.services.notify import commands
from eepost.services.notify.bot import Asked
from eepost.services.notify.commands import Verb
from eepost.services.notify.lines import folded

_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to say, and which account is bound in another way now."""

    text: str
    changed: int | None = field(default=None, repr=False)
    binding: IrcBinding | None = None


class Binder:
    """Answers commands, and says how an account is bound."""

    __slots__ = ("_compute", "_names", "_now_utc", "_registry", "_store", "_tokens")

    def __init__(
        self,
        store: AccountStore,
        registry: Registry,
        tokens: BindingTokens,
        compute: Compute,
        now_utc: Callable[[], float],
    ) -> None:
        self._store = store
        self._registry = registry
        self._tokens = tokens
        self._compute = compute
        self._now_utc = now_utc
        self._names: dict[str, str] | None = None  # services account -> name, once it was read

    async def binding(self, number: int, name: str) -> IrcBinding | None:
        """Return how the account is bound now, None for not at all. Raises StoreUnavailable."""
        account = await self._find(name)
        return account.preferences.irc if account and account.number == number else None

    async def answer(self, asked: Asked) -> Outcome:
        """Do what was asked for, durable on return, and return what to say."""
        if not asked.services_account:
            return Outcome(commands.NOT_LOGGED_IN)
        try:
            account = await self._account_of(asked.services_account)
            if asked.command.verb is Verb.BIND:
                return await self._bind(asked, account)
            binding = account.preferences.irc if account else None
            if account is None or binding is None:
                return Outcome(commands.NOT_BOUND)
            return await self._do(asked, account, binding)
        except NoSuchAccount:
            return Outcome(commands.NOT_BOUND)
        except (StoreUnavailable, AccountChanged):
            return Outcome(commands.TRY_LATER)

    async def _do(self, asked: Asked, account: Account, binding: IrcBinding) -> Outcome:
        match asked.command.verb:
            case Verb.UNBIND:
                return await self._keep(account, None, commands.UNBOUND)
            case Verb.QUIET:
                return await self._quiet(asked, account, binding)
            case _:
                now = self._now_utc()
                return Outcome(
                    commands.status(
                        binding.nick, binding.window_minutes, binding.quiet_until_utc, now
                    )
                )

    async def _bind(self, asked: Asked, bound: Account | None) -> Outcome:
        if bound is not None:
            return Outcome(commands.BOUND_ALREADY)  # and the token stays good
        holder = self._tokens.take(asked.command.argument)
        account = None if holder is None else await self._find(holder.name)
        if holder is None or account is None or account.number != holder.number:
            return Outcome(commands.NOT_OURS)
        before = account.preferences.irc
        binding = IrcBinding(asked.nick, asked.services_account)
        if before is not None:
            binding = replace(binding, window_minutes=before.window_minutes)
        return await self._keep(account, binding, commands.bound(binding.window_minutes))

    async def _quiet(self, asked: Asked, account: Account, binding: IrcBinding) -> Outcome:
        seconds = commands.parse_quiet(asked.command.argument)
        if seconds is None:
            return Outcome(commands.QUIET_SPAN)
        until = int(self._now_utc()) + seconds if seconds else 0
        text = commands.quiet_until(until) if until else commands.NO_LONGER_QUIET
        return await self._keep(account, replace(binding, quiet_until_utc=until), text)

    async def _account_of(self, services_account: str) -> Account | None:
        names = await self._known()
        key = folded(services_account)
        name = names.get(key)
        account = None if name is None else await self._find(name)
        binding = account.preferences.irc if account else None
        if binding is None or folded(binding.services_account) != key:
            names.pop(key, None)
            return None
        return account

    async def _known(self) -> dict[str, str]:
        if self._names is None:
            self._names = await self._compute(self._read)
        return self._names

    def _read(self) -> dict[str, str]:
        return {
            folded(binding.services_account): each.name
            for each in self._store.accounts()
            if (binding := each.preferences.irc) is not None
        }

    async def _find(self, name: str) -> Account | None:
        try:
            account = await self._compute(lambda: self._registry.find(name))
        except NoSuchAccount:
            return None
        return account if account.state is State.ENABLED else None

    async def _keep(self, account: Account, binding: IrcBinding | None, text: str) -> Outcome:
        def change(old: Preferences) -> Preferences:
            return replace(old, irc=binding)

        for tries_left in reversed(range(_TRIES)):
            try:
                await self._compute(lambda: self._registry.adjust(account.name, change))
                break
            except AccountChanged:
                if not tries_left:
                    raise
        if binding is not None:
            (await self._known())[folded(binding.services_account)] = account.name
        return Outcome(text, account.number, binding)
