# SPDX-License-Identifier: Apache-2.0
import os
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from eepost.queue.allowance import (
    Allowance,
    Charge,
    Lack,
    Limits,
    OverQuota,
    count,
    current,
    recipient_tags,
    still_needed,
)

HOUR = 498_000
LIMITS = Limits(recipients=3, messages=5)
HOLDER = b"holder of sixteen"


class Keys(dict[int, bytes]):
    def __missing__(self, hour: int) -> bytes:
        self[hour] = os.urandom(32)
        return self[hour]


KEYS = Keys()


def charge(hour: int, *recipients: str, messages: int = 1, limits: Limits = LIMITS) -> Charge:
    _ = KEYS[hour]
    keys = {each: KEYS[each] for each in still_needed(KEYS, hour)}
    return Charge(HOLDER, hour, limits, recipient_tags(keys, hour, HOLDER, recipients), messages)


def used(*charges: Charge) -> Allowance:
    known = Allowance()
    for each in charges:
        counted = count(known, each, 0)
        assert isinstance(counted, Allowance)
        known = counted
    return known


def names(count: int) -> Sequence[str]:
    return [f"r{each}@example.org" for each in range(count)]


def test_different_recipients_count_and_each_counts_once() -> None:
    known = used(charge(HOUR, "a@x"), charge(HOUR, "a@x", "b@x"), charge(HOUR + 5, "a@x", "b@x"))
    assert len(known.recipients) == 2
    known = used(charge(HOUR, "a@x", "a@x"))
    assert len(known.recipients) == 1


def test_fourth_of_three_is_refused_until_the_first_is_a_day_old() -> None:
    known = used(charge(HOUR, "a@x"), charge(HOUR + 2, "b@x", "c@x"))
    assert count(known, charge(HOUR + 3, "d@x"), 0) == OverQuota(Lack.RECIPIENTS, 21)
    assert count(known, charge(HOUR + 3, "d@x", "e@x"), 0) == OverQuota(Lack.RECIPIENTS, 23)
    assert isinstance(count(known, charge(HOUR + 3, "b@x"), 0), Allowance)
    assert count(known, charge(HOUR + 23, "d@x"), 0) == OverQuota(Lack.RECIPIENTS, 1)
    assert isinstance(count(known, charge(HOUR + 24, "d@x"), 0), Allowance)


def test_more_recipients_than_ever_fit_are_told_so() -> None:
    assert count(Allowance(), charge(HOUR, *names(4)), 0) == OverQuota(Lack.EVER, 24)


def test_a_stamp_makes_room_for_a_day() -> None:
    known = count(Allowance(), charge(HOUR, *names(7)), 4)
    assert isinstance(known, Allowance)
    assert known.bonuses == ((HOUR, 4),)
    assert isinstance(count(known, charge(HOUR + 1, "x@x"), 0), OverQuota)
    assert isinstance(count(known, charge(HOUR + 1, "x@x"), 1), Allowance)
    assert current(known, HOUR + 24) == Allowance()


def test_a_refused_message_uses_up_neither_room_nor_stamp() -> None:
    known = used(charge(HOUR, "a@x"))
    assert isinstance(count(known, charge(HOUR, *names(9)), 4), OverQuota)
    assert known == used(charge(HOUR, "a@x"))


def test_messages_are_counted_whoever_gets_them() -> None:
    known = used(*(charge(HOUR + each // 2, "a@x") for each in range(5)))
    assert known.messages == ((HOUR, 2), (HOUR + 1, 2), (HOUR + 2, 1))
    assert count(known, charge(HOUR + 3, "a@x"), 0) == OverQuota(Lack.MESSAGES, 21)
    assert isinstance(count(known, charge(HOUR + 24, "a@x"), 0), Allowance)


def test_handing_in_a_stamp_is_no_message() -> None:
    assert count(Allowance(), charge(HOUR, messages=0), 20) == Allowance(bonuses=((HOUR, 20),))


def test_what_seems_to_come_from_the_future_does_not_count() -> None:
    known = used(charge(HOUR + 100, "a@x"))
    assert current(known, HOUR) == Allowance()
    assert current(known, HOUR + 99) == known


def test_worth_of_a_stamp_by_its_bits() -> None:
    limits = Limits()
    assert [limits.worth(bits) for bits in (19, 20, 23, 24, 26, 27, 40)] == [
        *(0, 20, 20, 40, 40, 80, 80)
    ]
    assert limits.most_by_a_stamp == 80
    assert Limits(stamps=()).most_by_a_stamp == 0


def test_hashes_say_nothing_once_the_key_of_their_hour_is_gone() -> None:
    assert still_needed([HOUR - 25, HOUR - 24, HOUR, HOUR + 1, HOUR + 2], HOUR) == {
        *(HOUR - 24, HOUR, HOUR + 1)
    }


def test_hashes_of_two_accounts_have_nothing_in_common() -> None:
    keys = {HOUR: os.urandom(32), HOUR - 1: os.urandom(32)}
    one = recipient_tags(keys, HOUR, b"1" * 32, ["a@x"])
    two = recipient_tags(keys, HOUR, b"2" * 32, ["a@x"])
    assert len({*one[0], *two[0]}) == 4


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.lists(st.integers(0, 12), min_size=1, max_size=5)),
        max_size=30,
    )
)
def test_no_order_of_messages_gets_more_than_the_limit_into_a_day(
    sent: list[tuple[int, list[int]]],
) -> None:
    known, hour = Allowance(), HOUR
    let_out: list[tuple[int, int]] = []
    for pause, recipients in sent:
        hour += pause
        counted = count(known, charge(hour, *(f"{each}@x" for each in recipients)), 0)
        if isinstance(counted, Allowance):
            known = counted
            let_out += [(hour, each) for each in recipients]
            day = [each for each in let_out if hour - each[0] < 24]
            fresh = {who for _, who in day}
            # Whoever was first written to more than a day ago may be among them once more.
            assert len(known.recipients) <= LIMITS.recipients
            assert len(fresh) <= 2 * LIMITS.recipients
            assert sum(many for _, many in current(known, hour).messages) <= LIMITS.messages
