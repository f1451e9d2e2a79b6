# SPDX-License-Identifier: Apache-2.0
"""Nothing is said to be empty that could hold mail."""

import pytest

from eepost.store.sqlite import vacancy as vacancy_module
from eepost.store.sqlite.vacancy import Vacancy


def test_nothing_is_known_at_first() -> None:
    assert not Vacancy().is_known(1)


def test_what_a_reader_found_empty_is_known() -> None:
    vacancy = Vacancy()
    vacancy.found(1, vacancy.look(1), empty=True)
    assert vacancy.is_known(1)
    assert not vacancy.is_known(2)


def test_what_a_reader_found_full_is_not_known() -> None:
    vacancy = Vacancy()
    vacancy.found(1, vacancy.look(1), empty=False)
    assert not vacancy.is_known(1)


def test_mail_that_came_during_the_look_makes_it_worthless() -> None:
    vacancy = Vacancy()
    ticket = vacancy.look(1)
    vacancy.filled({1})
    vacancy.found(1, ticket, empty=True)
    assert not vacancy.is_known(1)


def test_mail_for_others_does_not_disturb_a_look() -> None:
    vacancy = Vacancy()
    ticket = vacancy.look(1)
    vacancy.filled({2, 3})
    vacancy.found(1, ticket, empty=True)
    assert vacancy.is_known(1)


def test_another_lane_makes_looks_and_knowledge_worthless() -> None:
    vacancy = Vacancy()
    vacancy.emptied(2)
    ticket = vacancy.look(1)
    vacancy.forget()
    vacancy.found(1, ticket, empty=True)
    assert not vacancy.is_known(1)
    assert not vacancy.is_known(2)


def test_an_older_look_does_not_count_beside_a_newer_one() -> None:
    vacancy = Vacancy()
    old = vacancy.look(1)
    vacancy.filled({1})
    new = vacancy.look(1)
    vacancy.found(1, old, empty=True)
    assert not vacancy.is_known(1)
    vacancy.found(1, new, empty=True)
    assert vacancy.is_known(1)


def test_mail_ends_the_knowledge() -> None:
    vacancy = Vacancy()
    vacancy.emptied(1)
    assert vacancy.is_known(1)
    vacancy.filled({1})
    assert not vacancy.is_known(1)


def test_knowledge_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vacancy_module, "MAX_KNOWN", 10)
    vacancy = Vacancy()
    for account in range(1000):
        vacancy.emptied(account)
        assert vacancy.is_known(account)
    assert sum(map(vacancy.is_known, range(1000))) <= 10
