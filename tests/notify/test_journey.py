# SPDX-License-Identifier: Apache-2.0
"""From a mail that arrives to a notice on IRC: a real post office and real IRC servers."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from eepost.accounts.preferences import IrcBinding, Preferences
from tests.notify.conversation import Person
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
