# SPDX-License-Identifier: Apache-2.0
"""The notifier itself in a thread of its own, over loopback, with accounts in memory."""

import asyncio
import io
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from time import monotonic, time
from types import TracebackType
from typing import Self, TypeVar

from eepost.accounts.bindings import BindingTokens
from eepost.accounts.model import PasswordCost
from eepost.accounts.preferences import IrcBinding, Preferences
from eepost.accounts.registry import Registry
from eepost.app.notifier import IrcServer
from eepost.net.connect import Connector, LocalPort, Patience, Route
from eepost.net.listeners import Endpoint
from eepost.observe.journal import Journal
from eepost.services.notify.binder import Binder
from eepost.services.notify.bot import Bot
from eepost.services.notify.news import News
from eepost.services.notify.notifier import Notifier, Timing
from eepost.services.notify.registration import Identity
from tests.accounts.fakes import MemoryAccounts
from tests.seal.chance import chance

T = TypeVar("T")
BOT = "postbot"
# What takes minutes in earnest takes moments here.
QUICK = Timing(look_again=0.3, look_for_absent=600.0, after_appearing=0.3, after_connecting=0.1)


class CountingBot(Bot):
    """A bot that says how much it was told."""

    octets = 0

    def receive(self, octets: bytes, now: float) -> None:
        CountingBot.octets += len(octets)
        super().receive(octets, now)


class Rig:
    """Use it as a context: the notifier runs inside. alice has an account here."""

    def __init__(self, port: int, timing: Timing = QUICK, patience: Patience | None = None) -> None:
        self.clock_offset = 0.0
        self.store = MemoryAccounts()
        self.registry = Registry(self.store, chance(), PasswordCost(8, 1, 1))
        self.registry.create("alice", "right password")
        self.tokens = BindingTokens(b"k" * 32, lambda: monotonic() + self.clock_offset, chance())
        self.log = io.StringIO()
        self.news = News(monotonic, time, lambda: 0.5)
        route = Route("irc", LocalPort(Endpoint("127.0.0.1", port)))
        patience = patience or Patience(retry_first_seconds=0.1, retry_longest_seconds=0.2)
        self.server = IrcServer(Connector([route], patience, monotonic, lambda: 0.5))
        CountingBot.octets = 0
        self._timing = timing
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._begun = threading.Event()
        self.notifier: Notifier
        self._task: asyncio.Task[None]

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._begun.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.do(self._task.cancel)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def do(self, act: Callable[[], object]) -> None:
        """Do something in the notifier's own thread, and wait until it is done."""
        done = threading.Event()

        def acted() -> None:
            act()
            done.set()

        self._loop.call_soon_threadsafe(acted)
        assert done.wait(10)

    def bind(self, nick: str, services_account: str) -> None:
        """Bind alice, with news at once."""
        binding = IrcBinding(nick, services_account, window_minutes=0)
        self.registry.adjust("alice", lambda old: replace(old, irc=binding))

    def change(self, change: Callable[[Preferences], Preferences]) -> None:
        """Change what alice has chosen."""
        self.registry.adjust("alice", change)

    def arrive(self) -> None:
        """Let a mail for alice become durable."""
        account = self.registry.find("alice")
        self.do(lambda: self.news.arrived(account))

    def lag_seconds(self) -> float:
        """Return how long the loop takes to do something else."""
        begun = monotonic()
        self.do(lambda: None)
        return monotonic() - begun

    def _run(self) -> None:
        with (
            asyncio.Runner(loop_factory=lambda: self._loop) as runner,
            suppress(asyncio.CancelledError),
        ):
            runner.run(self._serve())

    async def _serve(self) -> None:
        binder = Binder(self.store, self.registry, self.tokens, self._compute, time)
        self.notifier = Notifier(
            server=self.server,
            make_bot=lambda: CountingBot(Identity(BOT), monotonic(), lambda: 0.5, 0.02),
            binder=binder,
            news=self.news,
            journal=Journal(self.log),
            clock=monotonic,
            chance=lambda: 0.5,
            timing=self._timing,
        )
        self._task = self._loop.create_task(self.notifier.run())
        self._begun.set()
        await self._task

    async def _compute(self, work: Callable[[], T]) -> T:
        return work()
