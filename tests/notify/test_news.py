# SPDX-License-Identifier: Apache-2.0
"""Counting new mails, and when they may be told."""

from dataclasses import replace

import pytest

from eepost.accounts.model import Account
from eepost.accounts.preferences import IrcBinding, Preferences
from eepost.services.notify import commands
from eepost.services.notify.news import MAX_ITEMS, Item, News
from tests.contracts.samples import account

BINDING = IrcBinding("amy", "amyacct", window_minutes=60)


class World:
    """News on a clock that a test moves; `chance` gives what the test says."""

    def __init__(self) -> None:
        self.now = 0.0
        self.chance = 0.5
        self.woken = 0
        self.news = News(lambda: self.now, lambda: 1_000_000 + self.now, lambda: self.chance)
        self.news.wakes(self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def due(self) -> list[Item]:
        return list(self.news.take_due(self.now))


def bound(binding: IrcBinding | None = BINDING, number: int = 1) -> Account:
    return replace(account("alice"), number=number, preferences=Preferences(irc=binding))


def test_mails_of_one_window_are_one_piece_of_news_at_an_instant_drawn_from_it() -> None:
    world = World()
    world.news.arrived(bound())
    world.now = 1_700
    world.news.arrived(bound())
    assert world.due() == []
    world.now = 1_800
    (item,) = world.due()
    assert (item.nick, item.count) == ("amy", 2)
    assert world.due() == []
    world.news.told(item, 2, BINDING)
    assert len(world.news) == 0


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 0), (0.25, 900), (0.999, 3_596.4)])
def test_the_instant_lies_anywhere_in_the_window(chance: float, seconds: float) -> None:
    world = World()
    world.chance = chance
    world.news.arrived(bound())
    assert world.news.next_due() == pytest.approx(seconds)


def test_mail_of_whoever_is_not_bound_is_not_counted() -> None:
    world = World()
    world.news.arrived(bound(None))
    assert (len(world.news), world.woken) == (0, 0)


def test_quiet_time_comes_before_the_window() -> None:
    world = World()
    quiet = replace(BINDING, quiet_until_utc=1_000_500)
    world.news.arrived(bound(quiet))
    assert world.news.next_due() == 500 + 1_800
    assert world.news.is_quiet(quiet)
    world.now = 500
    assert not world.news.is_quiet(quiet)


def test_mail_that_came_while_news_was_told_is_news_of_its_own() -> None:
    world = World()
    world.news.arrived(bound())
    world.now = 1_800
    (item,) = world.due()
    world.news.arrived(bound())
    world.news.told(item, 1, BINDING)
    assert world.due() == []
    world.now = 3_600
    assert [each.count for each in world.due()] == [1]


def test_news_that_is_brought_forward_is_due_once() -> None:
    world = World()
    world.news.arrived(bound())
    world.now = 1_800
    (item,) = world.due()
    world.news.put_off(item, 1_000, until_seen=True)
    assert world.news.waiting_for_nicks() == [item]
    world.news.put_off(item, 20)
    assert world.news.waiting_for_nicks() == []
    world.now += 20
    assert world.due() == [item]
    world.news.drop(item)
    world.now += 10_000
    assert world.due() == []


def test_news_follows_its_binding_and_ends_with_it() -> None:
    world = World()
    world.news.arrived(bound(replace(BINDING, quiet_until_utc=1_090_000)))
    world.news.bound_anew(2, None)
    world.news.bound_anew(1, replace(BINDING, nick="ann"))
    world.now = 1_800
    (item,) = world.due()
    assert item.nick == "ann"
    assert world.news.holds(item)
    world.news.bound_anew(1, None)
    assert not world.news.holds(item)
    world.now = 100_000
    assert world.due() == []


def test_the_table_is_bounded_and_whoever_does_not_fit_is_counted() -> None:
    world = World()
    for number in range(MAX_ITEMS + 5):
        world.news.arrived(bound(number=number))
    assert len(world.news) == MAX_ITEMS
    assert world.news.missed == 5
    assert world.woken == MAX_ITEMS


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "You have 1 new mail."),
        (2, "You have 2 new mails."),
        (999, "You have 999 new mails."),
        (1_000, "You have very many new mails."),
    ],
)
def test_news_says_how_many_and_nothing_else(count: int, text: str) -> None:
    assert commands.news(count) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("8h", 28_800),
        ("30M", 1_800),
        ("30d", 2_592_000),
        ("off", 0),
        ("0", 0),
        ("31d", None),
        ("", None),
        ("8", None),
        ("-1h", None),
        ("٣h", None),
        ("99999999h", None),
    ],
)
def test_quiet_takes_minutes_hours_and_days_up_to_thirty(text: str, seconds: int | None) -> None:
    assert commands.parse_quiet(text) == seconds
