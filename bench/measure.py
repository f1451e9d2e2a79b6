# SPDX-License-Identifier: Apache-2.0
"""What is done to a post office and what it is asked: submit, fetch, poll, idle, flushes.

Each works on a post office that runs. What came of a load is checked, counts and contents, before
a figure of it is given: a server that is fast at losing mail is not fast.
"""

import itertools
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.dialogues import Fetch, Login, Poll, Pop3Login, SmtpLogin
from bench.figures import Figures, percentile
from bench.letters import Mangled, Stationery, gives_away, stationery, token
from bench.load import Address, Dialogue, Outcome, drive, for_seconds
from bench.offices import PostOffice
from bench.processes import FlushCount, cpu_seconds, memory

_WARM_UP_SECONDS = 1.0
_SETTLE_SECONDS = 300.0
_LOOK_SECONDS = 0.02  # how often we look whether everything is delivered
_AT_ONCE_WHILE_CHECKING = 10
_LOGINS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Posted:
    """Letters sent so far: which tokens each maildrop must hold."""

    tokens: dict[bytes, set[bytes]]

    def inspect(self, user: bytes, paper: Stationery, messages: Sequence[bytes]) -> None:
        """Compare a maildrop with what was sent to it. Raises Mangled."""
        found = {paper.token_of(message) for message in messages}
        if found != self.tokens[user] or len(found) != len(messages):
            wanted = len(self.tokens[user])
            raise Mangled(f"a maildrop holds {len(messages)} messages, {wanted} were sent to it")


def _letters(office: PostOffice, paper: Stationery, posted: Posted) -> Iterator[Dialogue]:
    """Yield dialogues for ever: senders in turn, recipients in another order.

    A letter counts as posted once its dialogue is begun: each ends with 250 or the run fails.
    """
    run = time.monotonic_ns() & 0xFFFFFFFF
    logins = office.logins
    for number in itertools.count():
        sender = logins[number % len(logins)]
        recipient = logins[(number * 7 + 3) % len(logins)].user
        mark = token(run, number)
        posted.tokens[recipient].add(mark)
        yield office.sending(sender, recipient, paper.letter(sender.user, recipient, mark))


def _nothing_posted(office: PostOffice) -> Posted:
    return Posted({login.user: set() for login in office.logins})


def _settle(office: PostOffice) -> None:
    """Wait until everything accepted lies in the maildrops."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while not office.is_settled():
        if time.monotonic() > deadline:
            raise Mangled("the queue does not empty")
        time.sleep(_LOOK_SECONDS)


def _check_maildrops(office: PostOffice, paper: Stationery, posted: Posted) -> None:
    """Read everything back by POP3: all there, whole, once, and nothing given away."""

    def look(login: Login) -> Fetch:
        def inspect(messages: Sequence[bytes]) -> None:
            posted.inspect(login.user, paper, messages)
            if any(map(gives_away, messages)):
                raise Mangled("a message tells its client's host, program or address")

        return Fetch(login, inspect)

    drive(office.pop3, map(look, office.logins), _AT_ONCE_WHILE_CHECKING)


def _figures(outcome: Outcome, seconds: float, cpu: float) -> Figures:
    return {
        "rate": outcome.dialogues / seconds,
        "p50_ms": percentile(outcome.latencies, 50) * 1_000,
        "p99_ms": percentile(outcome.latencies, 99) * 1_000,
        "cpu_ms": cpu / outcome.dialogues * 1_000,
        "dialogues": outcome.dialogues,
    }


def submit(office: PostOffice, body_octets: int, clients: int, seconds: float) -> Figures:
    """Submit letters for some seconds; the rate is that of letters in the maildrops.

    Time runs until the last letter is delivered: a queue that only grows is no speed.
    """
    paper = stationery(body_octets)
    posted = _nothing_posted(office)
    letters = _letters(office, paper, posted)
    drive(office.smtp, map(SmtpLogin, office.logins), 4)
    drive(office.smtp, for_seconds(_WARM_UP_SECONDS, letters), clients)
    _settle(office)
    cpu_before = cpu_seconds(office.roots)
    begun = time.perf_counter()
    outcome = drive(office.smtp, for_seconds(seconds, letters), clients)
    _settle(office)
    elapsed = time.perf_counter() - begun
    cpu = cpu_seconds(office.roots) - cpu_before
    _check_maildrops(office, paper, posted)
    return _figures(outcome, elapsed, cpu) | {"accepted_rate": outcome.rate}


def submit_unchecked(office: PostOffice, body_octets: int, clients: int, seconds: float) -> Figures:
    """Submit to a server that keeps nothing, so that nothing can be checked."""
    letters = _letters(office, stationery(body_octets), _nothing_posted(office))
    return _sessions(office, office.smtp, letters, clients, seconds)


def count_flushes(office: PostOffice, count: FlushCount, clients: int, seconds: float) -> Figures:
    """Submit 4 kB letters to an office that was started under `count`."""
    paper = stationery(4_096)
    posted = _nothing_posted(office)
    letters = _letters(office, paper, posted)
    drive(office.smtp, map(SmtpLogin, office.logins), 4)
    drive(office.smtp, for_seconds(_WARM_UP_SECONDS, letters), clients)
    _settle(office)
    before = count.so_far()
    outcome = drive(office.smtp, for_seconds(seconds, letters), clients)
    _settle(office)
    flushes = count.so_far() - before
    _check_maildrops(office, paper, posted)
    return {"flushes": flushes / outcome.dialogues, "dialogues": outcome.dialogues}


class Filled:
    """Maildrops with a number of letters each, to be fetched again and again."""

    def __init__(self, letters_each: int, body_octets: int) -> None:
        self._letters_each = letters_each
        self._paper = stationery(body_octets)
        self._posted = Posted({})

    def fill(self, office: PostOffice) -> None:
        """Bring the letters in, by whatever way the office takes them, and check them."""
        self._posted = _nothing_posted(office)
        letters = _letters(office, self._paper, self._posted)
        wanted = self._letters_each * len(office.logins)
        drive(office.smtp, itertools.islice(letters, wanted), 20)
        _settle(office)

    def fetch(self, office: PostOffice, clients: int, seconds: float) -> Figures:
        """Fetch maildrops for some seconds, each checked: which letters, and every body whole."""
        drive(office.pop3, self._fetches(office.logins), 4)
        endless = self._fetches(itertools.cycle(office.logins))
        return _sessions(office, office.pop3, endless, clients, seconds)

    def _fetches(self, logins: Iterable[Login]) -> Iterator[Dialogue]:
        for login in logins:
            user = login.user

            def inspect(messages: Sequence[bytes], user: bytes = user) -> None:
                self._posted.inspect(user, self._paper, messages)

            yield Fetch(login, inspect)


def poll(office: PostOffice, clients: int, seconds: float) -> Figures:
    """Ask empty maildrops for some seconds."""
    drive(office.pop3, map(Poll, office.logins), 4)
    endless = map(Poll, itertools.cycle(office.logins))
    return _sessions(office, office.pop3, endless, clients, seconds)


def _sessions(
    office: PostOffice,
    address: Address,
    dialogues: Iterator[Dialogue],
    clients: int,
    seconds: float,
) -> Figures:
    drive(address, for_seconds(_WARM_UP_SECONDS, dialogues), clients)
    cpu_before = cpu_seconds(office.roots)
    outcome = drive(address, for_seconds(seconds, dialogues), clients)
    cpu = cpu_seconds(office.roots) - cpu_before
    return _figures(outcome, outcome.seconds, cpu)


def idle_pop3(office: PostOffice, connections: int) -> Figures:
    """Keep logged-in POP3 connections open and see what the server's memory says."""
    return _idle(office, office.pop3, map(Pop3Login, itertools.cycle(office.logins)), connections)


def idle_smtp(office: PostOffice, connections: int) -> Figures:
    """Keep logged-in SMTP connections open and see what the server's memory says."""
    return _idle(office, office.smtp, map(SmtpLogin, itertools.cycle(office.logins)), connections)


def _idle(
    office: PostOffice, address: Address, dialogues: Iterator[Dialogue], connections: int
) -> Figures:
    # Every account once, few at a time: what the server needs once is not any connection's.
    drive(address, itertools.islice(dialogues, len(office.logins)), 2)
    time.sleep(1)
    before = memory(office.roots)
    kept: list[socket.socket] = []
    try:
        wave = min(_LOGINS_AT_ONCE, connections)
        drive(address, itertools.islice(dialogues, connections), wave, retire=kept.append)
        time.sleep(1)
        after = memory(office.roots)
    finally:
        for each in kept:
            each.close()
    return {
        "octets": (after.proportional - before.proportional) / connections,
        "resident_mb": after.resident / 1e6,
        "connections": connections,
        "processes": after.processes,
    }
