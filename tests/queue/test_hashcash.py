# SPDX-License-Identifier: Apache-2.0
import hashlib
import itertools

import pytest

from eepost.queue.hashcash import MAX_STAMPS, read_stamp, stamps_in
from tests.queue.samples import NOON

ALICE = "alice@mail.i2p"
RESOURCES = {ALICE, "alice@example.org"}
DAY = 86_400


def stamp(bits: int = 8, date: str = "261123", resource: str = ALICE, version: str = "1") -> str:
    for count in itertools.count():
        text = f"{version}:{bits}:{date}:{resource}::salt:{count:x}"
        digest = hashlib.sha1(text.encode("utf-8")).digest()
        if int.from_bytes(digest, "big") >> (160 - bits) == 0:
            return text
    raise AssertionError


def test_a_stamp_is_worth_the_bits_that_it_claims_and_has() -> None:
    for resource in (ALICE, "Alice@Example.ORG"):
        found = read_stamp(stamp(resource=resource), RESOURCES, NOON)
        assert found is not None
        assert found.bits == 8
        assert found.last_day == (NOON - NOON % DAY) // DAY + 30


def test_luck_counts_for_nothing() -> None:
    lucky = next(
        text
        for text in (f"1:1:261123:{ALICE}::x:{count}" for count in itertools.count())
        if hashlib.sha1(text.encode()).digest()[0] == 0
    )
    found = read_stamp(lucky, RESOURCES, NOON)
    assert found is not None
    assert found.bits == 1


def test_space_of_a_folded_field_is_no_part_of_a_stamp() -> None:
    plain = stamp()
    folded = f" {plain[:20]}\r\n {plain[20:]}\r\n"
    assert read_stamp(folded, RESOURCES, NOON) == read_stamp(plain, RESOURCES, NOON) is not None


@pytest.mark.parametrize("date", ["261123", "2611231200", "261123120000", "261025"])
def test_dates_to_the_day_minute_and_second_are_read(date: str) -> None:
    assert read_stamp(stamp(date=date), RESOURCES, NOON)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1:8:261123",
        stamp() + "x",
        stamp(version="0"),
        stamp(resource="bob@mail.i2p"),
        stamp(date="261023"),
        stamp(date="261126"),
        stamp(date="26112"),
        stamp(date="261301"),
        stamp(date="26-123"),
        stamp().replace(":8:", ":x:"),
        stamp().replace(":8:", ":\u0668:"),
        stamp().replace(":8:", ":-8:"),
        stamp().replace(":8:", ":0:"),
        stamp().replace(":8:", ":99999999999999999999:"),
        stamp() + ":more",
        "1:8:261123:" + ALICE + "::" + "x" * 400 + ":1",
    ],
)
def test_what_is_no_stamp_of_the_account_now_is_none(text: str) -> None:
    assert read_stamp(text, RESOURCES, NOON) is None


def test_stamps_are_found_in_their_fields_in_any_case() -> None:
    message = b"From: a\r\nX-Hashcash: one\r\nx-HASHCASH: two\r\n more\r\nSubject: s\r\n\r\nbody"
    assert [each.split() for each in stamps_in(message)] == [["one"], ["two", "more"]]


def test_few_of_many_are_looked_at() -> None:
    message = b"X-Hashcash: stamp\r\n" * 50 + b"\r\n"
    assert len(list(stamps_in(message))) == MAX_STAMPS


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"From: a\r\n\r\nX-Hashcash: in the body",
        b"From: a",
        b"X-Hashcash: much\r\n" + b"A: b\r\n" * 2_000 + b"\r\n",
    ],
)
def test_messages_without_stamps_have_none(message: bytes) -> None:
    assert list(stamps_in(message)) == []
