# SPDX-License-Identifier: Apache-2.0
"""Nothing is said to be unchanged, or empty, that could hold more mail."""

import pytest

from eepost.store.sqlite import marks as marks_module
from eepost.store.sqlite import vacancy as vacancy_module
from eepost.store.sqlite.marks import Marks
from eepost.store.sqlite.vacancy import Vacancy


def test_a_mark_stays_while_nothing_changes() -> None:
    marks = Marks()
    marks.changed([1])
    mark = marks.of(1)
    marks.changed([2, 3])
    marks.changed([])
    assert marks.of(1) == mark


def test_no_mark_comes_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks_module, "MAX_KNOWN", 3)
    marks = Marks()
    seen = [marks.of(1)]
    for other in range(2, 12):
        marks.changed([1, other])
        seen.append(marks.of(1))
        if other % 4 == 0:
            marks.forget()
            seen.append(marks.of(1))
    assert len(set(seen)) == len(seen)


def test_another_lane_changes_every_mark() -> None:
    marks = Marks()
    marks.changed([1])
    before = marks.of(1), marks.of(2)
    marks.forget()
    assert marks.of(1) != before[0]
    assert marks.of(2) != before[1]


def test_marks_are_bounded_and_dropping_them_changes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks_module, "MAX_KNOWN", 10)
    marks = Marks()
    unnamed = marks.of(5000)
    for account in range(1000):
        before = marks.of(account)
        marks.changed([account])
        assert marks.of(account) != before
        assert len(marks._marks) <= 10
    assert marks.of(5000) != unnamed


def test_nothing_is_known_at_first() -> None:
    assert not Vacancy(Marks()).is_known(1)


def test_what_a_reader_found_empty_is_known() -> None:
    marks = Marks()
    vacancy = Vacancy(marks)
    vacancy.found_empty(1, marks.of(1))
    marks.changed([2, 3])
    assert vacancy.is_known(1)
    assert not vacancy.is_known(2)


def test_mail_that_came_during_the_look_makes_it_worthless() -> None:
    marks = Marks()
    vacancy = Vacancy(marks)
    mark = marks.of(1)
    marks.changed([1])
    vacancy.found_empty(1, mark)
    assert not vacancy.is_known(1)


def test_another_lane_makes_looks_and_knowledge_worthless() -> None:
    marks = Marks()
    vacancy = Vacancy(marks)
    mark = marks.of(1)
    vacancy.found_empty(2, marks.of(2))
    marks.forget()
    vacancy.found_empty(1, mark)
    assert not vacancy.is_known(1)
    assert not vacancy.is_known(2)


def test_mail_ends_the_knowledge() -> None:
    marks = Marks()
    vacancy = Vacancy(marks)
    vacancy.found_empty(1, marks.of(1))
    assert vacancy.is_known(1)
    marks.changed([1])
    assert not vacancy.is_known(1)


def test_knowledge_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vacancy_module, "MAX_KNOWN", 10)
    marks = Marks()
    vacancy = Vacancy(marks)
    for account in range(1000):
        vacancy.found_empty(account, marks.of(account))
        assert vacancy.is_known(account)
    assert sum(map(vacancy.is_known, range(1000))) <= 10
