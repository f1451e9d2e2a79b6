# SPDX-License-Identifier: Apache-2.0
"""Puts the bot on IRC together, and shows it to the portal."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eepost.accounts.bindings import BindingTokens
from eepost.accounts.model import Account
from eepost.accounts.ports import AccountStore, Compute
from eepost.accounts.registry import Registry
from eepost.app.config import ConfigError, irc_way
from eepost.app.settings import Irc
from eepost.net import clock
from eepost.net.connect import Connection, Connector, Patience, Route, Unreachable
from eepost.observe.journal import Journal
from eepost.services.notify.binder import Binder
from eepost.services.notify.bot import Bot
from eepost.services.notify.news import News
from eepost.services.notify.notifier import Notifier
from eepost.services.notify.ports import ServerAway
from eepost.services.notify.registration import Identity, Means

MAX_PASSWORD_CHARACTERS = 200


_PEER = "irc"


@dataclass(frozen=True, slots=True)
class IrcServer:
    """Satisfies `eepost.services.notify.ports.Server`."""

    connector: Connector

    async def opened(self) -> Connection:
        """Return a new stream. Raises ServerAway."""
        try:
            return await self.connector.opened()
        except Unreachable as unreachable:
            raise ServerAway(unreachable.retry_seconds) from None

    def ended(self, *, is_well: bool) -> None:
        """Note that a stream ended."""
        if is_well:
            self.connector.served(_PEER)
        self.connector.failed(_PEER)


@dataclass(frozen=True, slots=True)
class IrcBot:
    """The running bot, and what binds people to it; satisfies the portal's `IrcNews`."""

    notifier: Notifier
    tokens: BindingTokens
    server: str

    @property
    def nick(self) -> str:
        """What it is called now; empty while it is away."""
        return self.notifier.nick

    def token(self, account: Account) -> str:
        """Return a token for the account."""
        return self.tokens.make(account)


def make_irc_bot(
    section: Irc,
    directory: Path,
    accounts: AccountStore,
    compute: Compute,
    process_key: bytes,
    journal: Journal,
) -> IrcBot | None:
    """Return the bot, not yet running; None where there is none to be. Raises ConfigError."""
    way = irc_way(directory, section, clock.random_octets)
    if way is None:
        return None
    chance = random.SystemRandom().random
    now = clock.monotonic_seconds
    tokens = BindingTokens(process_key, now, clock.random_octets)
    registry = Registry(accounts, clock.random_octets)
    patience = Patience(retry_first_seconds=section.retry_seconds)
    notifier = Notifier(
        server=IrcServer(Connector([Route(_PEER, way)], patience, now, chance)),
        make_bot=_bots(section, _identity(section, directory), chance),
        binder=Binder(accounts, registry, tokens, compute, clock.wall_seconds),
        news=News(now, clock.wall_seconds, chance),
        journal=journal,
        clock=now,
        chance=chance,
    )
    return IrcBot(notifier, tokens, section.server)


def _bots(section: Irc, identity: Identity, chance: Callable[[], float]) -> Callable[[], Bot]:
    seconds_a_line = 60 / section.lines_a_minute
    return lambda: Bot(identity, clock.monotonic_seconds(), chance, seconds_a_line)


def _identity(section: Irc, directory: Path) -> Identity:
    means = Means(section.login)
    if means is Means.NONE:
        return Identity(section.nick)
    path = directory / section.password_file
    return Identity(section.nick, means, section.account or section.nick, _password(path))


def _password(path: Path) -> str:
    key = "irc.password_file"
    try:
        with path.open(encoding="utf-8") as stream:
            text = stream.readline(MAX_PASSWORD_CHARACTERS + 1).rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(path, key, "can't be read as UTF-8 text") from None
    if not text or len(text) > MAX_PASSWORD_CHARACTERS or re.search(r"[\0-\x1f]", text):
        raise ConfigError(path, key, "its first line is no password")
    return text
