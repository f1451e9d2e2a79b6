# SPDX-License-Identifier: Apache-2.0
"""The notifier's side of IRC as an engine: octets and time in, octets and events out.

Duty: be there under a nick, say who somebody is to services, hear commands, say news at a pace
that no server minds. It joins no channel, believes nothing it did not ask for, and knows no
account of ours.

Trust: the server, which may be hostile, and through it anybody on IRC. A server's word on who is
logged in can't be checked; docs/threat-model.md says what follows from that.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from irctokens.line import Line

from eepost.mail.violation import PeerViolation
from eepost.services.notify.commands import HELP, Command, Verb, parse_command
from eepost.services.notify.inquiries import Answered, Finding, Inquiries
from eepost.services.notify.lines import LineCutter, folded, is_nick, say
from eepost.services.notify.pace import BURST_LINES, Bucket, Outbox, Patience
from eepost.services.notify.presence import Watch, nicks_in
from eepost.services.notify.registration import Identity, Registration

# From the first line to the end of the greeting; a message of the day over I2P takes a while.
REGISTRATION_SECONDS: Final = 180.0
# Silence after which the server is asked for a sign of life, and after which it is given up.
IDLE_SECONDS: Final = 120.0
DEAD_SECONDS: Final = 300.0
# How often the wanted nick is asked for while another one has to do.
REGAIN_SECONDS: Final = 600.0
# Events that wait for the owner, who takes them after every read.
MAX_EVENTS: Final = 256


@dataclass(frozen=True, slots=True)
class Ready:
    """The server has greeted the bot."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody gave a command; `services_account` is "" where he is logged in to none."""

    nick: str = field(repr=False)
    services_account: str = field(repr=False)
    command: Command


@dataclass(frozen=True, slots=True)
class Appeared:
    """A nick that was waited for is there."""

    nick: str = field(repr=False)


Event = Ready | Asked | Finding | Appeared


class Bot:
    """One session with one server. Times are seconds of a clock that only rises."""

    __slots__ = (
        "_bot_mode",
        "_cutter",
        "_events",
        "_heard",
        "_identity",
        "_inquiries",
        "_opened",
        "_outbox",
        "_patience",
        "_pinged",
        "_regain",
        "_registration",
        "_watch",
        "is_ready",
        "nick",
    )

    def __init__(
        self,
        identity: Identity,
        now: float,
        chance: Callable[[], float],
        seconds_a_line: float = 2.0,
    ) -> None:
        self.nick = ""  # what the server calls the bot
        self.is_ready = False
        self._identity = identity
        self._bot_mode = ""  # the letter that marks robots, where the server has one
        self._registration = Registration(identity, chance)
        self._cutter = LineCutter()
        self._outbox = Outbox(Bucket.full(BURST_LINES, seconds_a_line, now))
        self._patience = Patience(now)
        self._watch = Watch()
        self._inquiries = Inquiries()
        self._events: deque[Event] = deque()
        self._opened = self._heard = now
        self._pinged = False
        self._regain = now + REGAIN_SECONDS
        self._outbox.first(self._registration.first())

    # What the owner does.

    @property
    def is_refused(self) -> bool:
        """Whether services refused the bot's password."""
        return self._registration.is_refused

    @property
    def is_free(self) -> bool:
        """Whether what is told now goes out at once, or nearly."""
        return self.is_ready and not self._outbox.news

    def receive(self, octets: bytes, now: float) -> None:
        """Take what the server sent. Raises PeerViolation where it is to be left."""
        self._heard = now
        self._pinged = False
        for line in self._cutter.feed(octets):
            act = _ACTS.get(line.command)
            if act is not None:
                act(self, line, now)

    def tick(self, now: float) -> None:
        """Do what time asks for. Raises PeerViolation where the server is to be left."""
        if not self.is_ready:
            if now - self._opened >= REGISTRATION_SECONDS:
                raise PeerViolation("no greeting")
            return
        if now - self._heard >= DEAD_SECONDS:
            raise PeerViolation("silence")
        if now - self._heard >= IDLE_SECONDS and not self._pinged:
            self._pinged = True
            self._outbox.first(say("PING", "eepost"))
        for each in self._inquiries.expire(now):
            self._settle(each)
        if self._outbox.bucket.seconds_until_next(now) == 0 and (line := self._watch.ison(now)):
            self._outbox.tell(line)
        if now >= self._regain:
            self._regain = now + REGAIN_SECONDS
            if folded(self.nick) != folded(self._identity.nick):
                self._outbox.tell(say("NICK", self._identity.nick))

    def due(self, now: float) -> float:
        """Return when `tick` or `outgoing` has something to do next."""
        if not self.is_ready:
            times = [self._opened + REGISTRATION_SECONDS]
        else:
            silence = DEAD_SECONDS if self._pinged else IDLE_SECONDS
            times = [self._heard + silence, self._regain]
            times += [each for each in (self._inquiries.due(), self._watch_due(now)) if each]
        waiting = self._outbox.due(now)
        return min(times) if waiting is None else min(*times, waiting)

    def _watch_due(self, now: float) -> float | None:
        due = self._watch.due()
        return None if due is None else max(due, now + self._outbox.bucket.seconds_until_next(now))

    def outgoing(self, now: float) -> bytes:
        """Return what is to be sent now."""
        return self._outbox.take(now)

    def next_event(self) -> Event | None:
        """Return what happened, oldest first."""
        return self._events.popleft() if self._events else None

    def look_at(self, nick: str, now: float) -> bool:
        """Ask who `nick` is: a Finding follows. False where too much is asked already."""
        begun = self._inquiries.begin(nick, None, now)
        if begun and not self._outbox.tell(say("WHOIS", nick)):
            self._inquiries.end(nick)  # never asked
            return False
        return begun is not None

    def tell(self, nick: str, text: str) -> None:
        """Say news to somebody."""
        self._outbox.tell(say("NOTICE", nick, text))

    def answer(self, nick: str, text: str) -> None:
        """Say something to whoever asked."""
        self._outbox.answer(say("NOTICE", nick, text))

    def wait_for(self, nick: str) -> None:
        """Report once when `nick` is there: Appeared."""
        if line := self._watch.add(nick):
            self._outbox.tell(line)

    def wait_no_more(self, nick: str) -> None:
        """Take `wait_for` back."""
        if line := self._watch.remove(nick):
            self._outbox.tell(line)

    # What the server says.

    def _ping(self, line: Line, _now: float) -> None:
        self._outbox.first(say("PONG", *line.params[-1:]))

    def _error(self, _line: Line, _now: float) -> None:
        raise PeerViolation("the server ends it")

    def _welcome(self, line: Line, _now: float) -> None:
        if line.params and is_nick(line.params[0]):
            self.nick = line.params[0]

    def _supports(self, line: Line, _now: float) -> None:
        for each in line.params[1:-1]:
            name, _, value = each.partition("=")
            if name in {"MONITOR", "-MONITOR"}:
                self._watch.offered(None if name.startswith("-") else value)
            elif name == "BOT" and len(value) == 1 and value.isalpha():
                self._bot_mode = value

    def _greeted(self, _line: Line, _now: float) -> None:
        if self.nick and not self.is_ready:
            self.is_ready = True
            if said := self._registration.afterwards():
                self._outbox.tell(said)
            if self._bot_mode:
                self._outbox.tell(say("MODE", self.nick, f"+{self._bot_mode}"))
            self._note(Ready())

    def _nick_taken(self, _line: Line, _now: float) -> None:
        if not self.nick:
            self._outbox.first(self._registration.other_nick())

    def _renamed(self, line: Line, _now: float) -> None:
        if self._is_from_me(line) and line.params and is_nick(line.params[0]):
            self.nick = line.params[0]

    def _joined(self, line: Line, _now: float) -> None:
        # Some servers push everybody into a channel.
        if self._is_from_me(line) and line.params:
            self._outbox.answer(say("PART", line.params[0].partition(" ")[0]))

    def _heard_something(self, line: Line, now: float) -> None:
        if not self.is_ready or len(line.params) != 2:
            return
        if folded(line.params[0]) != folded(self.nick):
            return
        nick, command = _sender(line), parse_command(line.params[1])
        if command is None or not is_nick(nick) or not self._patience.bears(folded(nick), now):
            return
        if command.verb is Verb.HELP:
            self.answer(nick, HELP)
            return
        mask = line.hostmask
        begun = self._inquiries.begin(nick, command, now, f"{mask.username}@{mask.hostname}")
        if begun and not self._outbox.answer(say("WHOIS", nick)):
            self._inquiries.end(nick)  # never asked

    def _is_there(self, line: Line, _now: float) -> None:
        if len(line.params) > 3:
            self._inquiries.is_there(line.params[1], f"{line.params[2]}@{line.params[3]}")

    def _is_logged_in(self, line: Line, _now: float) -> None:
        if len(line.params) > 3:
            self._inquiries.is_logged_in(line.params[1], line.params[2])

    def _end_of_look(self, line: Line, _now: float) -> None:
        answered = self._inquiries.end(line.params[1]) if len(line.params) > 1 else None
        if answered is not None:
            self._settle(answered)

    def _are_there(self, line: Line, _now: float) -> None:
        text = line.params[-1] if line.params else ""
        names = text.split(",") if line.command == "730" else nicks_in(text)
        for nick in self._watch.seen(names):
            if gone := self._watch.remove(nick):
                self._outbox.tell(gone)
            self._note(Appeared(nick))

    def _monitor_is_full(self, line: Line, _now: float) -> None:
        if len(line.params) > 2:
            self._watch.refused(line.params[2])

    def _capability(self, line: Line, _now: float) -> None:
        self._outbox.first(self._registration.capability(line.params))

    def _challenge(self, line: Line, _now: float) -> None:
        if not self.nick:
            self._outbox.first(self._registration.challenge(line.params))

    def _sasl_ended(self, line: Line, _now: float) -> None:
        if not self.nick:
            self._outbox.first(self._registration.ended(is_refused=line.command != "903"))

    def _settle(self, answered: Answered) -> None:
        finding = answered.finding
        for command in answered.commands:
            self._note(Asked(finding.nick, finding.services_account, command))
        if answered.is_for_news:
            self._note(finding)

    def _note(self, event: Event) -> None:
        if len(self._events) >= MAX_EVENTS:
            raise PeerViolation("a flood of answers")
        self._events.append(event)

    def _is_from_me(self, line: Line) -> bool:
        return bool(self.nick) and folded(_sender(line)) == folded(self.nick)


def _sender(line: Line) -> str:
    return line.hostmask.nickname if line.source else ""


_ACTS: Final[dict[str, Callable[[Bot, Line, float], None]]] = {
    "PING": Bot._ping,
    "ERROR": Bot._error,
    "001": Bot._welcome,
    "005": Bot._supports,
    "376": Bot._greeted,  # end of the message of the day
    "422": Bot._greeted,  # there is none
    "432": Bot._nick_taken,  # not a nick here
    "433": Bot._nick_taken,
    "436": Bot._nick_taken,  # collision of two servers
    "437": Bot._nick_taken,  # kept back for a while
    "NICK": Bot._renamed,
    "JOIN": Bot._joined,
    "PRIVMSG": Bot._heard_something,
    "311": Bot._is_there,
    "330": Bot._is_logged_in,
    "318": Bot._end_of_look,
    "401": Bot._end_of_look,
    "303": Bot._are_there,
    "730": Bot._are_there,
    "734": Bot._monitor_is_full,
    "CAP": Bot._capability,
    "AUTHENTICATE": Bot._challenge,
    "903": Bot._sasl_ended,
    "904": Bot._sasl_ended,
    "905": Bot._sasl_ended,
    "906": Bot._sasl_ended,
    "907": Bot._sasl_ended,
}
