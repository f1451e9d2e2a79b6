# SPDX-License-Identifier: Apache-2.0
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.letters.changes import (
    Change,
    Ended,
    Erased,
    Filed,
    Marked,
    Moved,
    Remembered,
    Spooled,
    Threaded,
    Vanished,
)
from eepost.letters.model import Flag, Folder, FolderCount, Order, State
from eepost.letters.shelf import MAX_ENDED_SHOWN, MAX_THREAD_TAGS, Shelf
from tests.letters.samples import NOW, summary, waiting


def shelf(*changes: Change) -> Shelf:
    made = Shelf()
    for each in changes:
        made.apply(each)
    return made


def numbers(made: Shelf, folder: str = "inbox", order: Order = Order.NUMBER) -> list[int]:
    return [each.number for each in made.page(folder, order, "", 0, 100).summaries]


def test_folders_say_what_lies_in_them() -> None:
    made = shelf(
        Filed(summary(1)), Filed(summary(2, flags=int(Flag.READ))), Filed(summary(3, "sent"))
    )
    assert made.folders() == [
        FolderCount("inbox", 2, 1),
        FolderCount("drafts", 0, 0),
        FolderCount("sent", 1, 1),
        FolderCount("trash", 0, 0),
        FolderCount("outbox", 0, 0),
    ]
    assert made.next_number == 4


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.NUMBER, [1, 2, 3]),
        (Order.NEWEST, [3, 1, 2]),
        (Order.OLDEST, [2, 1, 3]),
        (Order.AUTHOR, [2, 3, 1]),
        (Order.RECIPIENTS, [3, 1, 2]),
        (Order.SUBJECT, [3, 2, 1]),
        (Order.LARGEST, [1, 3, 2]),
    ],
)
def test_a_folder_is_listed_in_any_order(order: Order, expected: list[int]) -> None:
    made = shelf(
        Filed(summary(1, date_utc=5, author="Zoe", recipients="b", subject="C", size_octets=9)),
        Filed(summary(2, date_utc=4, author="adam", recipients="c", subject="b", size_octets=1)),
        Filed(summary(3, date_utc=6, author="Bob", recipients="A", subject="a", size_octets=5)),
    )
    assert numbers(made, order=order) == expected
    assert numbers(made, order=order) == expected  # from memory
    made.apply(Erased((2,)))
    assert numbers(made, order=order) == [each for each in expected if each != 2]


def test_a_search_wants_every_word_anywhere() -> None:
    made = shelf(
        Filed(summary(1, subject="Straße nach Norden", author_address="bob@mail.i2p")),
        Filed(summary(2, subject="Norden", preview="the road")),
    )
    found = made.page("inbox", Order.NUMBER, "NORDEN strasse", 0, 10)
    assert [each.number for each in found.summaries] == [1]
    assert made.page("inbox", Order.NUMBER, "norden", 1, 10).total == 2
    assert made.page("inbox", Order.NUMBER, "norden", -1, 1).summaries[0].number == 1
    assert made.page("inbox", Order.NUMBER, "", 0, -5).summaries == []


def test_messages_move_and_are_marked_and_erased() -> None:
    made = shelf(Filed(summary(1)), Filed(summary(2)))
    made.apply(Moved((1, 9), "trash", NOW + 7))
    assert numbers(made, "trash") == [1]
    assert made.messages[1].arrived_utc == NOW + 7
    made.apply(Marked((2, 9), int(Flag.READ | Flag.ANSWERED), True))
    made.apply(Marked((2,), int(Flag.ANSWERED), False))
    assert made.messages[2].is_read
    assert not made.messages[2].has(Flag.ANSWERED)
    made.apply(Erased((1, 9)))
    assert list(made.messages) == [2]
    assert repr(made.messages[2]) == "Summary(2)"


def test_what_is_thrown_away_is_not_wanted_at_the_service_either() -> None:
    made = shelf(Filed(summary(1, unique_id="a")), Filed(summary(2, unique_id="b")))
    made.apply(Moved((1,), "trash", NOW))
    assert made.unwanted == {"a"}
    made.apply(Moved((1,), "inbox", NOW))
    assert made.unwanted == set()
    made.apply(Erased((2,)))
    assert made.unwanted == {"b"}
    assert made.known == {"a", "b"}
    made.apply(Vanished(("b",)))
    assert (made.known, made.unwanted) == ({"a"}, set())
    made.apply(Moved((1,), "trash", NOW))
    made.apply(Vanished(("a",)))
    made.apply(Erased((1,)))  # it is there no longer, so there is nothing to delete
    assert made.unwanted == set()


def test_throwing_a_notice_away_does_not_take_the_mail_along_that_it_stands_for() -> None:
    made = shelf(Filed(summary(1, unique_id="a", is_stand_in=True)))
    assert made.left_there() == {"a"}
    made.apply(Moved((1,), "trash", NOW))
    assert made.unwanted == set()
    made.apply(Erased((1,)))
    assert made.unwanted == {"a"}
    assert made.left_there() == set()


def test_what_waits_is_shown_with_what_ended_lately() -> None:
    made = shelf(Filed(summary(1, "outbox")), Spooled(waiting(1, due_utc=9)), Spooled(waiting(2)))
    assert [each.number for each in made.waiting()] == [2, 1]
    assert made.find_waiting(1) == waiting(1, due_utc=9)
    made.apply(Ended(waiting(1, state=State.SENT, ended_utc=5)))
    made.apply(Ended(waiting(2, state=State.REFUSED, ended_utc=6)))
    assert [each.number for each in made.waiting()] == [2, 1]
    assert all(each.is_over for each in made.waiting())
    assert made.messages == {}
    assert made.find_waiting(1) is None
    assert repr(made.waiting()[0]) == "Waiting(2)"
    assert repr(made.waiting()[0].recipients[0]) == "Recipient(waiting)"
    for number in range(3, 3 + MAX_ENDED_SHOWN):
        made.apply(Ended(waiting(number, state=State.SENT, ended_utc=number)))
    assert len(made.waiting()) == MAX_ENDED_SHOWN
    assert made.next_number == 3 + MAX_ENDED_SHOWN


def test_identifiers_are_remembered_but_not_without_end() -> None:
    many = tuple(b"%08d" % each for each in range(MAX_THREAD_TAGS + 1))
    made = shelf(
        Threaded(known=(b"first",)),
        Threaded(originals=((b"first", b"x@y"),)),
        Threaded(many[1:], tuple((each, each) for each in many[1:])),
    )
    assert b"first" not in made.thread_tags
    assert b"first" not in made.originals
    assert len(made.thread_tags) == len(made.originals) == MAX_THREAD_TAGS


_SOME = st.lists(st.integers(1, 6), max_size=3).map(tuple)
_CHANGES = st.one_of(
    st.builds(
        lambda number, folder, unique_id: Filed(summary(number, folder, unique_id=unique_id)),
        st.integers(1, 6),
        st.sampled_from([each.value for each in Folder]),
        st.sampled_from(["", "a", "b"]),
    ),
    st.builds(Moved, _SOME, st.sampled_from(["inbox", "trash"]), st.just(NOW)),
    st.builds(Marked, _SOME, st.sampled_from([1, 2, 4]), st.booleans()),
    st.builds(Erased, _SOME),
    st.builds(lambda number: Spooled(waiting(number)), st.integers(1, 6)),
    st.builds(lambda number: Ended(waiting(number, state=State.SENT)), st.integers(1, 6)),
    st.builds(Vanished, st.lists(st.sampled_from(["a", "b"]), max_size=2).map(tuple)),
    st.builds(Remembered, st.integers(1, 9), st.just(("a",)), st.just(("b",))),
    st.builds(Threaded, st.just((b"t",)), st.just(((b"o", b"x"),))),
)


def _seen(made: Shelf) -> tuple[Any, ...]:
    return (
        made.messages,
        made.waiting(),
        made.known,
        made.unwanted,
        made.thread_tags,
        made.originals,
        made.next_number,
        made.folders(),
    )


@given(st.lists(_CHANGES, max_size=20))
def test_a_log_that_is_written_anew_says_the_same(changes: list[Change]) -> None:
    made = shelf(*changes)
    again = shelf(*made.snapshot())
    assert _seen(again) == _seen(made)


@given(st.lists(_CHANGES, max_size=20))
def test_a_change_that_comes_twice_does_no_harm(changes: list[Change]) -> None:
    assert _seen(shelf(*(each for each in changes for _ in range(2)))) == _seen(shelf(*changes))


@given(_CHANGES)
def test_every_change_comes_back_from_its_octets(change: Change) -> None:
    octets = msgspec.msgpack.encode([change])
    assert msgspec.msgpack.decode(octets, type=list[Change]) == [change]
