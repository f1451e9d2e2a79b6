# SPDX-License-Identifier: Apache-2.0
"""Which loads there are, on whom, and how their rounds alternate."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.eepost import Eepost, Prepared, prepare
from bench.figures import Figures
from bench.goals import OURS
from bench.measure import (
    Filled,
    count_flushes,
    idle_pop3,
    idle_smtp,
    poll,
    submit,
    submit_unchecked,
)
from bench.offices import PostOffice, logins, running
from bench.peers import MAILDIR, SDBOX_TUNED, Dovecot, PostfixDovecot
from bench.portal import first_bytes
from bench.processes import FlushCount
from bench.relaying import measured_relay
from bench.sanitiser import measured_apart
from bench.sink import Forgetful

CONTENDERS = (OURS, "postfix", "maildir", "sdbox", "sink")
_ACCOUNTS = 50
_CLIENTS = 50
_CLIENTS_LARGE = 10
_LETTERS_EACH = 100
_OCTETS = 4_096
_OCTETS_LARGE = 1_048_576
_CONNECTIONS = 5_000
_CONNECTIONS_PEER = 150  # a process each: 5,000 of them would need gigabytes


class Workshop:
    """Makes post offices in folders of one file system, and takes the folders away again."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.seconds = seconds
        self._folder = folder
        self._logins = logins(_ACCOUNTS)
        self._prepared: Prepared | None = None
        self._filled: dict[str, tuple[PostOffice, Filled]] = {}
        self._made = 0

    def make(self, contender: str) -> tuple[PostOffice, Path]:
        """Return a post office with empty maildrops that is not started, and its folder."""
        self._made += 1
        folder = self._folder / f"{contender}-{self._made}"
        folder.mkdir()
        match contender:
            case "postfix":
                return PostfixDovecot(folder, self._logins), folder
            case "maildir":
                return Dovecot(folder, self._logins, MAILDIR), folder
            case "sink":
                return Forgetful(folder, self._logins), folder
            case "sdbox":
                return Dovecot(folder, self._logins, SDBOX_TUNED), folder
        if self._prepared is None:
            self._prepared = prepare(self._folder / "prepared", self._logins)
        return Eepost(folder, self._prepared), folder

    def apart(self, contender: str, measure: Callable[[str, Path], Figures]) -> Figures:
        """Measure in a fresh folder that everybody may look into: Postfix has several users."""
        self._made += 1
        folder = self._folder / f"{contender}-{self._made}"
        folder.mkdir(mode=0o755)
        figures = measure(contender, folder)
        shutil.rmtree(folder)
        return figures

    def filled(self, contender: str) -> tuple[PostOffice, Filled]:
        """Return a post office with full maildrops that is not started; filled at first use."""
        if contender not in self._filled:
            office, _ = self.make(contender)
            letters = Filled(_LETTERS_EACH, _OCTETS)
            with running(office):
                letters.fill(office)
            self._filled[contender] = (office, letters)
        return self._filled[contender]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A load with those who bear it."""

    name: str
    about: str
    contenders: tuple[str, ...]
    measure: Callable[[Workshop, str], Figures]
    is_steady: bool = False  # counts, not rates: one round says it


def _submit(workshop: Workshop, contender: str) -> Figures:
    return _fresh(workshop, contender, lambda it: submit(it, _OCTETS, _CLIENTS, workshop.seconds))


def _generate(workshop: Workshop, contender: str) -> Figures:
    def load(office: PostOffice) -> Figures:
        return submit_unchecked(office, _OCTETS, _CLIENTS, workshop.seconds)

    return _fresh(workshop, contender, load)


def _submit_large(workshop: Workshop, contender: str) -> Figures:
    def load(office: PostOffice) -> Figures:
        return submit(office, _OCTETS_LARGE, _CLIENTS_LARGE, workshop.seconds)

    return _fresh(workshop, contender, load)


def _poll(workshop: Workshop, contender: str) -> Figures:
    return _fresh(workshop, contender, lambda it: poll(it, _CLIENTS, workshop.seconds))


def _idle_pop3(workshop: Workshop, contender: str) -> Figures:
    return _fresh(workshop, contender, lambda it: idle_pop3(it, _connections(contender)))


def _idle_smtp(workshop: Workshop, contender: str) -> Figures:
    return _fresh(workshop, contender, lambda it: idle_smtp(it, _connections(contender)))


def _connections(contender: str) -> int:
    return _CONNECTIONS if contender == OURS else _CONNECTIONS_PEER


def _fetch(workshop: Workshop, contender: str) -> Figures:
    office, letters = workshop.filled(contender)
    with running(office):
        return letters.fetch(office, _CLIENTS, workshop.seconds)


def _flushes(workshop: Workshop, contender: str) -> Figures:
    office, folder = workshop.make(contender)
    count = FlushCount(folder / "flushes")
    with running(office, count.prefix):
        return count_flushes(office, count, _CLIENTS, workshop.seconds)


def _texts(_workshop: Workshop, _contender: str) -> Figures:
    return measured_apart("texts")


def _corpus(_workshop: Workshop, _contender: str) -> Figures:
    return measured_apart("corpus")


def _pictures(_workshop: Workshop, _contender: str) -> Figures:
    return measured_apart("pictures")


def _relay(workshop: Workshop, contender: str) -> Figures:
    return workshop.apart(contender, measured_relay)


def _portal(_workshop: Workshop, _contender: str) -> Figures:
    return first_bytes()


def _fresh(workshop: Workshop, contender: str, load: Callable[[PostOffice], Figures]) -> Figures:
    """Put a load on a post office that has seen none before."""
    office, folder = workshop.make(contender)
    with running(office):
        figures = load(office)
    shutil.rmtree(folder)
    return figures


SCENARIOS = (
    Scenario(
        "generator",
        "the load of `submit` on a sink that stores nothing: what the bench can see at most",
        ("sink",),
        _generate,
        is_steady=True,
    ),
    Scenario("submit", "4 kB, one message a connection, 50 clients", (OURS, "postfix"), _submit),
    Scenario("submit-large", "1 MB, the same, 10 clients", (OURS, "postfix"), _submit_large),
    Scenario(
        "fetch",
        "USER PASS STAT UIDL RETR all QUIT of 100 x 4 kB, 50 clients",
        (OURS, "maildir", "sdbox"),
        _fetch,
    ),
    Scenario(
        "poll",
        "USER PASS STAT QUIT of an empty maildrop, 50 clients",
        (OURS, "maildir", "sdbox"),
        _poll,
    ),
    Scenario(
        "idle-pop3",
        "5,000 logged-in POP3 connections (150 at the peer)",
        (OURS, "maildir"),
        _idle_pop3,
        is_steady=True,
    ),
    Scenario(
        "idle-smtp",
        "5,000 logged-in SMTP connections (150 at the peer)",
        (OURS, "postfix"),
        _idle_smtp,
        is_steady=True,
    ),
    Scenario(
        "flushes", "flushes while 50 clients submit", (OURS, "postfix"), _flushes, is_steady=True
    ),
    Scenario(
        "relay",
        "1,000 x 4 kB submitted and brought over one hop to a server outside, 20 clients",
        (OURS, "postfix"),
        _relay,
    ),
    Scenario("texts", "the sanitiser alone: 4 kB of text in all its encodings", (OURS,), _texts),
    Scenario("corpus", "the sanitiser alone: real messages", (OURS,), _corpus),
    Scenario("pictures", "the sanitiser alone: 10 MB of photographs", (OURS,), _pictures),
    Scenario("portal", "the portal's pages, one after the other", (OURS,), _portal),
)


def play(
    workshop: Workshop, scenario: Scenario, contenders: Sequence[str], rounds: int
) -> Iterator[tuple[str, Figures]]:
    """Yield (contender, figures) round by round; in each round all contenders have their turn."""
    for _ in range(1 if scenario.is_steady else rounds):
        for contender in scenario.contenders:
            if contender in contenders:
                yield contender, scenario.measure(workshop, contender)
