# SPDX-License-Identifier: Apache-2.0
"""From a mail that arrives to a notice on IRC: a real post office and real IRC servers."""

import re
import smtplib
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from eepost.accounts.preferences import IrcBinding, Preferences
from tests.notify.conversation import Person
from tests.notify.hostile import GREETING, Hostile, flood
from tests.notify.servers import IrcServer, wait_until
from tests.office import PASSWORD, PostOffice, address, mail
from tests.portal.browser import Browser

BOT = "postbot"


@pytest.fixture
def office(irc: IrcServer, tmp_path: Path) -> Iterator[PostOffice]:
    """A running post office whose bot is on IRC, with the accounts alice and bob."""
    settings = {
        "irc": {
            "way": f"port 127.0.0.1:{irc.port}",
            "server": "irc.test:6667",
            "nick": BOT,
            "lines_a_minute": 600,
            "retry_seconds": 0.1,
        }
    }
    with PostOffice(tmp_path / "office", settings).create() as office:
        office.add("alice", "bob")
        office.start()
        wait_until(lambda: irc.has(BOT))
        yield office


def signed_in(office: PostOffice, name: str) -> Browser:
    """Return a browser in which somebody has signed in."""
    browser = Browser(office.portal_port)
    browser.submit("/sign-in", name=name, password=PASSWORD)
    return browser


def token_of(browser: Browser) -> str:
    """Ask the portal for a token and return it."""
    found = re.search(
        r"/msg (\S+) \.bind ([a-z2-7]{26})", browser.submit("/notices", what="token").text
    )
    assert found is not None
    assert found[1] == BOT
    return found[2]


def bind(office: PostOffice, person: Person, name: str = "alice") -> None:
    """Bind somebody who is logged in, with news at once: the window is for other tests."""
    assert "You are bound" in person.asks(BOT, f".bind {token_of(signed_in(office, name))}")
    with office.registry() as registry:
        registry.adjust(name, _at_once)


def _at_once(old: Preferences) -> Preferences:
    assert old.irc is not None
    return replace(old, irc=replace(old.irc, window_minutes=0))


def binding_of(office: PostOffice, name: str) -> IrcBinding | None:
    """Return what the account's record says."""
    with office.registry() as registry:
        return registry.find(name).preferences.irc


def send(office: PostOffice, count: int = 1) -> None:
    """Let bob write to alice."""
    for _ in range(count):
        office.submit(address("bob"), address("alice"), mail("bob", "alice"))


def test_mail_that_arrives_is_news_on_irc_and_says_nothing_but_how_many(
    irc: IrcServer, office: PostOffice
) -> None:
    amy = irc.person("amy", "amyacct")
    bind(office, amy)
    send(office)
    assert amy.news(BOT) == "You have 1 new mail."
    assert binding_of(office, "alice") == IrcBinding("amy", "amyacct", 0)


def test_the_portal_shows_who_is_bound_takes_the_window_and_ends_it(
    irc: IrcServer, office: PostOffice
) -> None:
    amy = irc.person("amy", "amyacct")
    bind(office, amy)
    browser = signed_in(office, "alice")
    page = browser.get("/notices").text
    assert "amyacct" in page
    assert "Show me a token" not in page
    assert "was kept" in browser.submit("/notices", what="window", window="240").text
    assert binding_of(office, "alice") == IrcBinding("amy", "amyacct", 240)
    for wrong in ("0", "", "x", "٦٠"):
        assert browser.submit("/notices", what="window", window=wrong).status == 422
    assert binding_of(office, "alice") == IrcBinding("amy", "amyacct", 240)
    assert "hear nothing" in browser.submit("/notices", what="unbind").text
    assert binding_of(office, "alice") is None
    assert "You are not bound" in amy.asks(BOT, ".status")


def test_the_journal_and_the_disk_name_nobody_who_is_bound(
    irc: IrcServer, office: PostOffice
) -> None:
    amy = irc.person("quokka", "wombatacct")
    bind(office, amy)
    send(office)
    amy.news(BOT)
    office.stop()
    written = (
        b"".join(file.read_bytes() for file in office.directory.rglob("*") if file.is_file())
        + str(office.lines).encode()
    )
    assert b"the bot is on IRC" in written
    assert BOT.encode() in written  # the configuration: the search finds what is there
    for name in (b"quokka", b"wombatacct"):
        assert name not in written


def hanging(server: Hostile, stream: socket.socket) -> None:
    stream.sendall(GREETING)
    server.is_over.wait(120)


@pytest.mark.parametrize("treat", [hanging, flood], ids=lambda treat: treat.__name__)
def test_mail_goes_on_at_full_speed_while_the_irc_server_is_broken(
    treat: Callable[[Hostile, socket.socket], None], tmp_path: Path
) -> None:
    server = Hostile(treat)
    settings = {"irc": {"way": f"port 127.0.0.1:{server.port}", "nick": BOT}}
    try:
        with PostOffice(tmp_path / "office", settings).create() as office:
            office.add("alice", "bob", "carol")
            office.start()
            wait_until(lambda: server.taken == 1)
            with office.registry() as registry:
                registry.adjust(
                    "alice", lambda old: replace(old, irc=IrcBinding("amy", "amyacct", 0))
                )
            bound, unbound = rounds(office, "alice", "carol")
            assert min(bound) < 3 * min(unbound)
            assert len(office.fetch("alice")) == len(office.fetch("carol")) == MAILS * ROUNDS
    finally:
        server.stop()


MAILS = 10
ROUNDS = 10


def rounds(office: PostOffice, *names: str) -> list[list[float]]:
    """Return how long rounds of mails to each of `names` in turn took; machines have moods."""
    times: dict[str, list[float]] = {name: [] for name in names}
    with smtplib.SMTP("127.0.0.1", office.smtp_port, local_hostname="x", timeout=60) as smtp:
        smtp.login("bob", PASSWORD)
        for _ in range(ROUNDS):
            for name in names:
                begun = monotonic()
                for _ in range(MAILS):
                    smtp.sendmail(address("bob"), address(name), mail("bob", name))
                times[name].append(monotonic() - begun)
    return list(times.values())
