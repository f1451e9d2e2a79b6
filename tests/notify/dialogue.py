# SPDX-License-Identifier: Apache-2.0
"""The engine and a server that a test plays, on a clock that a test moves."""

from collections.abc import Sequence

from eepost.services.notify.bot import Bot, Event
from eepost.services.notify.registration import Identity

GREETING = (
    ":irc.test 001 postbot :Welcome",
    ":irc.test 005 postbot NICKLEN=30 {tokens} :are supported",
    ":irc.test 376 postbot :End",
)


class Dialogue:
    """One session."""

    def __init__(self, identity: Identity | None = None, seconds_a_line: float = 2.0) -> None:
        self.now = 1_000.0
        self.bot = Bot(identity or Identity("postbot"), self.now, lambda: 0.5, seconds_a_line)
        self.events: list[Event] = []

    def greeted(self, tokens: str = "CHANTYPES=#") -> "Dialogue":
        """Bring it to where the server has greeted it; what was said so far is forgotten."""
        self.server(*(line.format(tokens=tokens) for line in GREETING))
        self.said()
        self.events.clear()
        return self

    def server(self, *lines: str) -> None:
        """Let the server say lines."""
        self.octets("".join(f"{line}\r\n" for line in lines).encode())

    def octets(self, octets: bytes) -> None:
        """Let the server say anything."""
        self.bot.receive(octets, self.now)
        self._collect()

    def said(self) -> Sequence[str]:
        """Return the lines that go out now."""
        return self.bot.outgoing(self.now).decode().splitlines()

    def passes(self, seconds: float) -> Sequence[str]:
        """Let time pass, and return what goes out meanwhile, as its owner would let it."""
        end = self.now + seconds
        said: list[str] = []
        while True:
            self.bot.tick(self.now)
            self._collect()
            said += self.said()
            due = max(self.bot.due(self.now), self.now + 0.001)
            if due >= end:
                self.now = end
                return said
            self.now = due

    def _collect(self) -> None:
        while event := self.bot.next_event():
            self.events.append(event)
