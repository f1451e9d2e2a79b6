# SPDX-License-Identifier: Apache-2.0
"""Who hears news and who does not, on real IRC servers with services behind them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from eepost.accounts.bindings import LIFETIME_SECONDS
from eepost.accounts.model import State
from eepost.services.notify import commands, presence
from tests.notify.conversation import Person
from tests.notify.rig import BOT, Rig
from tests.notify.servers import IrcServer, Ngircd, wait_until

# Long enough for three looks at the nick.
SILENCE_SECONDS = 1.0
# Where it makes no difference which server it is, the one that lets people in at once.
on_one_server = pytest.mark.parametrize("server", [Ngircd], indirect=True)


@pytest.fixture
def rig(irc: IrcServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A bot on the server."""
    monkeypatch.setattr(presence, "ISON_SECONDS", 0.3)
    with Rig(irc.port) as rig:
        wait_until(lambda: rig.notifier.nick == BOT)
        yield rig


@pytest.fixture
def amy(irc: IrcServer, rig: Rig) -> Person:
    """Who is bound to alice's mailbox and logged in."""
    rig.bind("amy", "amyacct")
    return irc.person("amy", "amyacct")


def test_who_is_bound_and_logged_in_hears_how_many(rig: Rig, amy: Person) -> None:
    rig.arrive()
    assert amy.news(BOT) == "You have 1 new mail."
    rig.arrive()
    assert amy.news(BOT) == "You have 1 new mail."
    assert rig.notifier.counts.notices == 2


def test_who_is_not_logged_in_hears_nothing_until_he_is(
    irc: IrcServer, rig: Rig, amy: Person
) -> None:
    irc.log_out(amy)
    rig.arrive()
    rig.arrive()
    assert not amy.hears_news(BOT, SILENCE_SECONDS)
    irc.log_in(amy, "amyacct")
    assert amy.news(BOT) == "You have 2 new mails."


def test_another_services_account_under_the_same_nick_hears_nothing(
    irc: IrcServer, rig: Rig, amy: Person
) -> None:
    irc.log_in(amy, "mallory")
    rig.arrive()
    assert not amy.hears_news(BOT, SILENCE_SECONDS)
    irc.log_in(amy, "amyacct")
    assert amy.news(BOT) == "You have 1 new mail."


def test_who_changed_the_nick_hears_nothing_and_nobody_else_under_it(
    irc: IrcServer, rig: Rig, amy: Person
) -> None:
    amy.renames("amy2")
    mallory = irc.person("amy", "mallory")
    rig.arrive()
    assert not mallory.hears_news(BOT, SILENCE_SECONDS)
    assert not amy.hears_news(BOT, 0.1)
    mallory.renames("mallory")
    amy.renames("amy")
    assert amy.news(BOT) == "You have 1 new mail."


def test_who_is_away_hears_it_on_coming_back_and_logging_in(
    irc: IrcServer, rig: Rig, amy: Person
) -> None:
    amy.leaves()
    for _ in range(3):
        rig.arrive()
    wait_until(lambda: rig.notifier.counts.silences == 1)
    back = irc.person("amy")
    assert not back.hears_news(BOT, SILENCE_SECONDS)
    irc.log_in(back, "amyacct")
    assert back.news(BOT) == "You have 3 new mails."


@on_one_server
def test_who_is_quiet_hears_nothing_until_the_quiet_ends(rig: Rig, amy: Person) -> None:
    assert amy.asks(BOT, ".quiet 8h").startswith("I am quiet until")
    rig.arrive()
    rig.arrive()
    assert not amy.hears_news(BOT, SILENCE_SECONDS)
    amy.say(f"PRIVMSG {BOT} :.quiet off")
    assert amy.news(BOT) == "You have 2 new mails."


@on_one_server
def test_whose_account_is_shut_or_unbound_hears_nothing(rig: Rig, amy: Person) -> None:
    rig.registry.set_state("alice", State.DISABLED)
    rig.arrive()
    assert not amy.hears_news(BOT, SILENCE_SECONDS)
    rig.registry.set_state("alice", State.ENABLED)
    assert amy.asks(BOT, ".unbind") == commands.UNBOUND
    assert rig.registry.find("alice").preferences.irc is None
    rig.arrive()
    assert not amy.hears_news(BOT, SILENCE_SECONDS)
    rig.bind("amy", "amyacct")
    rig.arrive()
    assert amy.news(BOT) == "You have 1 new mail."


@on_one_server
def test_what_was_unbound_after_a_mail_came_is_not_told(rig: Rig, amy: Person) -> None:
    bound = rig.registry.find("alice")
    rig.change(lambda old: replace(old, irc=None))
    rig.do(lambda: rig.news.arrived(bound))
    assert not amy.hears_news(BOT, SILENCE_SECONDS)
    assert len(rig.news) == 0


@on_one_server
def test_tokens_that_are_wrong_expired_or_used_bind_nobody(irc: IrcServer, rig: Rig) -> None:
    amy, stranger = irc.person("amy", "amyacct"), irc.person("ann")
    alice = rig.registry.find("alice")
    expired = rig.tokens.make(alice)
    rig.clock_offset = LIFETIME_SECONDS + 1
    assert amy.asks(BOT, f".bind {expired}") == commands.NOT_OURS
    assert amy.asks(BOT, ".bind " + "a" * 26) == commands.NOT_OURS
    assert amy.asks(BOT, ".bind") == commands.NOT_OURS
    token = rig.tokens.make(alice)
    assert stranger.asks(BOT, f".bind {token}") == commands.NOT_LOGGED_IN
    assert rig.registry.find("alice").preferences.irc is None
    assert amy.asks(BOT, f".bind {token}").startswith("You are bound")
    irc.log_in(stranger, "annacct")
    assert stranger.asks(BOT, f".bind {token}") == commands.NOT_OURS
    assert stranger.asks(BOT, ".status") == commands.NOT_BOUND


def test_it_is_back_after_the_server_was_killed_and_tells_what_came_meanwhile(
    irc: IrcServer, rig: Rig, amy: Person
) -> None:
    irc.kill()
    wait_until(lambda: rig.notifier.nick == "")
    rig.arrive()
    irc.start()
    back = irc.person("amy", "amyacct")
    assert back.news(BOT) == "You have 1 new mail."
    assert "fault" not in rig.log.getvalue()


def test_it_is_back_after_an_operator_threw_it_out(irc: IrcServer, rig: Rig, amy: Person) -> None:
    operator = irc.person("root")
    operator.say("OPER oper oper")
    operator.wait_for(" 381 ")
    operator.say(f"KILL {BOT} :out")
    wait_until(lambda: rig.notifier.counts.sessions == 2)
    rig.arrive()
    assert amy.news(BOT) == "You have 1 new mail."


def test_it_takes_another_nick_where_its_own_is_taken(irc: IrcServer) -> None:
    irc.person(BOT)
    with Rig(irc.port) as rig:
        wait_until(lambda: rig.notifier.nick == f"{BOT}_")
        rig.bind("amy", "amyacct")
        amy = irc.person("amy", "amyacct")
        rig.arrive()
        assert amy.news(f"{BOT}_") == "You have 1 new mail."


def test_a_flood_of_commands_keeps_no_news_from_anybody(
    irc: IrcServer, rig: Rig, amy: Person
) -> None:
    flood = [irc.person(f"flood{number}") for number in range(3)]
    for each in flood:
        each.say(*[f"PRIVMSG {BOT} :.status"] * 100)
    rig.arrive()
    assert amy.news(BOT) == "You have 1 new mail."
    assert rig.lag_seconds() < 1
    assert rig.notifier.nick == BOT
    assert rig.notifier.counts.sessions == 1


def test_it_is_in_no_channel(irc: IrcServer, rig: Rig, amy: Person) -> None:
    amy.say("JOIN #here", f"INVITE {BOT} #here", f"WHOIS {BOT}")
    assert not amy.hears(rf" 319 \S+ {BOT} |{BOT}!\S+ JOIN", 1)
    amy.say("WHOIS amy")
    assert "#here" in amy.wait_for(r" 319 .*")[0]


@on_one_server
def test_no_line_of_the_journal_says_who_was_told(rig: Rig, amy: Person) -> None:
    rig.arrive()
    amy.news(BOT)
    assert "the bot is on IRC" in rig.log.getvalue()
    for name in ("amy", "alice", BOT):
        assert name not in rig.log.getvalue()
