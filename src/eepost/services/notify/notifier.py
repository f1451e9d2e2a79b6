# SPDX-License-Identifier: Apache-2.0
"""Keeps the bot on IRC and lets it tell people of their mail.

Three tasks share a session: one hears, one speaks, one asks the accounts' store. Whatever ends one
ends the session, and another begins after a pause that grows; mail knows nothing of any of that.

Trust: the IRC server, which may hang, flood, lie or go away at any instant.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from eepost.accounts.preferences import IrcBinding
from eepost.mail.violation import PeerViolation
from eepost.maildrop.ports import StoreUnavailable
from eepost.observe.journal import Journal
from eepost.services.notify import commands
from eepost.services.notify.binder import Binder
from eepost.services.notify.bot import Appeared, Asked, Bot, Event, Ready
from eepost.services.notify.inquiries import Finding
from eepost.services.notify.lines import folded
from eepost.services.notify.news import Item, News
from eepost.services.notify.ports import Server, ServerAway, Stream

READ_OCTETS: Final = 4_096
# A greeting of 8 kB takes half a second; a flood costs this machine next to nothing.
OCTETS_A_SECOND: Final = 16_384
# However soon something is due: nothing here is worth a busy loop beside mail.
SHORTEST_PAUSE_SECONDS: Final = 0.01
# A server that does not read for so long is gone.
WRITE_SECONDS: Final = 120.0
# What waits for the accounts' store.
MAX_JOBS: Final = 64
# WHOIS under way for news.
MAX_LOOKS: Final = 4
# A session that lasted so long shows that the server is well: the next pause is a short one.
STEADY_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things wait, in seconds."""

    # Somebody is there and not logged in; or the store was not.
    look_again: float = 300.0
    # Somebody is not there, and is waited for. (A server may forget that.)
    look_for_absent: float = 21_600.0
    # After somebody appeared: to log in to services takes a client some seconds.
    after_appearing: float = 20.0
    # After a new session: all who are waited for, spread over so long.
    after_connecting: float = 60.0


@dataclass(slots=True)
class Counts:
    """What the notifier did; numbers only."""

    sessions: int = 0
    commands: int = 0
    notices: int = 0
    silences: int = 0  # news that was kept back: not there, not logged in, another account


@dataclass(slots=True)
class Notifier:
    """Runs until it is cancelled. `clock` gives seconds that only rise, `chance` [0, 1)."""

    server: Server
    make_bot: Callable[[], Bot]
    binder: Binder
    news: News
    journal: Journal
    clock: Callable[[], float]
    chance: Callable[[], float]
    timing: Timing = field(default_factory=Timing)
    counts: Counts = field(default_factory=Counts)
    _bot: Bot | None = None
    # By nick as it is compared: whom a WHOIS is under way for.
    _looking: dict[str, list[Item]] = field(default_factory=dict)
    _jobs: asyncio.Queue[Asked | Finding] = field(default_factory=lambda: asyncio.Queue(MAX_JOBS))
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.news.wakes(self._wake.set)

    @property
    def nick(self) -> str:
        """What the bot is called on IRC now; empty while it is not there."""
        return self._bot.nick if self._bot is not None and self._bot.is_ready else ""

    async def run(self) -> None:
        """Be on IRC, for ever."""
        was_there = True
        while True:
            try:
                stream = await self.server.opened()
            except ServerAway as away:
                if was_there:
                    self.journal.notice("irc", "the IRC server can't be reached")
                was_there = False
                # Never at once: the pause may have run out while this was raised.
                await asyncio.sleep(max(0.05, away.retry_seconds))
                continue
            was_there = await self._session(stream)

    async def _session(self, stream: Stream) -> bool:
        """Use a stream until it ends; return whether the bot was on IRC."""
        begun = self.clock()
        bot = self._bot = self.make_bot()
        try:
            await self._talk(stream, bot)
        except (PeerViolation, OSError, TimeoutError):
            pass  # as any other end of a stream
        except Exception as error:
            self.journal.fault("irc", error)
        finally:
            self._bot = None
            await stream.close()
            self._return_all()
        if bot.is_ready:
            self.journal.notice("irc", "the bot is no longer on IRC")
        self.server.ended(is_well=bot.is_ready and self.clock() - begun >= STEADY_SECONDS)
        return bot.is_ready

    async def _talk(self, stream: Stream, bot: Bot) -> None:
        self._jobs = asyncio.Queue(MAX_JOBS)
        loop = asyncio.get_running_loop()
        tasks = [
            loop.create_task(self._hear(stream.reader, bot)),
            loop.create_task(self._speak(stream.writer, bot)),
            loop.create_task(self._work(bot)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _hear(self, reader: asyncio.StreamReader, bot: Bot) -> None:
        while octets := await reader.read(READ_OCTETS):
            bot.receive(octets, self.clock())
            while event := bot.next_event():
                self._note(bot, event)
            self._wake.set()
            await asyncio.sleep(len(octets) / OCTETS_A_SECOND)

    async def _speak(self, writer: asyncio.StreamWriter, bot: Bot) -> None:
        writer.transport.set_write_buffer_limits(0)
        while True:
            self._wake.clear()
            now = self.clock()
            bot.tick(now)
            while event := bot.next_event():
                self._note(bot, event)
            self._look(bot, now)
            if octets := bot.outgoing(now):
                writer.write(octets)
                async with asyncio.timeout(WRITE_SECONDS):
                    await writer.drain()
            with suppress(TimeoutError):
                pause = max(SHORTEST_PAUSE_SECONDS, self._due(bot) - self.clock())
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    def _due(self, bot: Bot) -> float:
        due = bot.due(self.clock())
        next_due = self.news.next_due()
        return due if next_due is None or not self._may_look(bot) else min(due, next_due)

    def _may_look(self, bot: Bot) -> bool:
        return bot.is_free and len(self._looking) < MAX_LOOKS

    def _look(self, bot: Bot, now: float) -> None:
        """Ask who those are for whom news is due."""
        if not self._may_look(bot):
            return
        for item in self.news.take_due(now):
            waiting = self._looking.setdefault(folded(item.nick), [])
            waiting.append(item)
            if not bot.look_at(item.nick, now):
                self._return(self._looking.pop(folded(item.nick)))
            if not self._may_look(bot):
                return

    def _note(self, bot: Bot, event: Event) -> None:
        match event:
            case Ready():
                self._greeted(bot)
            case Appeared(nick=nick):
                self._appeared(nick)
            case Asked():
                self.counts.commands += 1
                with suppress(asyncio.QueueFull):
                    self._jobs.put_nowait(event)
            case Finding():
                try:
                    self._jobs.put_nowait(event)
                except asyncio.QueueFull:
                    self._return(self._looking.pop(folded(event.nick), []))

    def _greeted(self, bot: Bot) -> None:
        self.counts.sessions += 1
        self.journal.notice("irc", "the bot is on IRC")
        if bot.is_refused:
            self.journal.notice("irc", "services did not take the bot's password")
        for item in self.news.waiting_for_nicks():
            self.news.put_off(item, self.chance() * self.timing.after_connecting)

    def _appeared(self, nick: str) -> None:
        for item in self.news.waiting_for_nicks():
            if folded(item.nick) == folded(nick):
                self.news.put_off(item, self.timing.after_appearing)

    async def _work(self, bot: Bot) -> None:
        while True:
            job = await self._jobs.get()
            match job:
                case Asked():
                    bot.answer(job.nick, await self._answer(job))
                case Finding():
                    await self._tell_all(bot, job)
            self._wake.set()

    async def _answer(self, asked: Asked) -> str:
        try:
            outcome = await self.binder.answer(asked)
        except Exception as error:
            # What nobody foresaw costs this one answer.
            self.journal.fault("irc command", error)
            return commands.TRY_LATER
        if outcome.changed is not None:
            self.news.bound_anew(outcome.changed, outcome.binding)
        return outcome.text

    async def _tell_all(self, bot: Bot, finding: Finding) -> None:
        # Each stays in the table until it is dealt with: a session may end in between.
        items = self._looking.get(folded(finding.nick), [])
        while items:
            await self._tell(bot, items[0], finding)
            items.pop(0)
        self._looking.pop(folded(finding.nick), None)

    async def _tell(self, bot: Bot, item: Item, finding: Finding) -> None:
        """Say the news, if the account is still bound to whom the server says is there."""
        if not self.news.holds(item):
            return
        try:
            binding = await self.binder.binding(item.number, item.name)
        except StoreUnavailable:
            self._return([item])
            return
        if binding is None:
            bot.wait_no_more(item.nick)
            self.news.drop(item)
        elif folded(binding.nick) != folded(item.nick):
            item.nick = binding.nick  # bound anew meanwhile
            self.news.put_off(item, self.news.delay(binding))
        elif self.news.is_quiet(binding):
            self.news.put_off(item, self.news.delay(binding))
        elif _is_bound(finding, binding):
            bot.tell(finding.nick, commands.news(item.count))
            self.counts.notices += 1
            self.news.told(item, item.count, binding)
        else:
            self._keep_back(bot, item, finding)

    def _keep_back(self, bot: Bot, item: Item, finding: Finding) -> None:
        self.counts.silences += 1
        if finding.is_there:
            self.news.put_off(item, self.timing.look_again)
        else:
            bot.wait_for(item.nick)
            self.news.put_off(item, self.timing.look_for_absent, until_seen=True)

    def _return(self, items: list[Item]) -> None:
        for item in items:
            self.news.put_off(item, self.timing.look_again)

    def _return_all(self) -> None:
        """Nothing that was asked before a session's end will be answered."""
        for items in self._looking.values():
            for item in items:
                self.news.put_off(item, 0)
        self._looking.clear()


def _is_bound(finding: Finding, binding: IrcBinding) -> bool:
    account = finding.services_account
    return bool(account) and folded(account) == folded(binding.services_account)
