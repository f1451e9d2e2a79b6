# SPDX-License-Identifier: Apache-2.0
from eepost.accounts.places import Places
from eepost.accounts.sign_ins import DAYS_KEPT, MAX_ACCOUNTS, SignIns


class Day:
    now = 100

    def __call__(self) -> float:
        return self.now * 86_400.0


def test_sign_ins_are_counted_by_day_latest_first() -> None:
    day = Day()
    sign_ins = SignIns(day)
    sign_ins.note(1)
    sign_ins.note(1)
    day.now += 1
    sign_ins.note(1)
    assert sign_ins.of(1) == [(101, 1), (100, 2)]
    assert sign_ins.of(2) == []
    sign_ins.forget(1)
    assert sign_ins.of(1) == []


def test_old_days_and_the_longest_silent_accounts_go() -> None:
    day = Day()
    sign_ins = SignIns(day)
    for _ in range(DAYS_KEPT + 3):
        sign_ins.note(1)
        day.now += 1
    assert len(sign_ins.of(1)) == DAYS_KEPT - 1  # of the last days, the present one not among them
    for number in range(2, MAX_ACCOUNTS + 3):
        sign_ins.note(number)
    assert sign_ins.of(1) == []
    assert sign_ins.of(MAX_ACCOUNTS) != []


def test_places_tell_of_each_session_that_begins() -> None:
    told: list[int] = []
    places = Places(1, told.append)
    assert places.take(7)
    assert not places.take(7)
    assert told == [7]
