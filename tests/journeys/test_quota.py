# SPDX-License-Identifier: Apache-2.0
"""What an account may send to the Internet in a day, with stamps of Debian's own program."""

import re
import smtplib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.far_gateway import FarGateway
from tests.journeys.test_to_the_internet import letter, logged_in, send
from tests.office import OFFICIAL, PostOffice, address


def stamp(bits: int, resource: str = address("alice")) -> str:
    """Make a stamp as a user does, ready to stand in a header."""
    made = subprocess.run(
        ["hashcash", "-mqXb", str(bits), resource], capture_output=True, text=True, check=True
    )
    assert made.stdout.startswith("X-Hashcash: 1:")
    return made.stdout.replace("\n", "\r\n")


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[PostOffice]:
    """A running post office that lets three recipients and five messages out in a day."""
    settings: dict[str, dict[str, Any]] = {
        "mail": {"message_id_domain": OFFICIAL},
        "outgoing": {"recipients": 3, "messages": 5, "stamp_bits": (10, 12, 14)},
    }
    with FarGateway() as gateway, PostOffice(tmp_path / "office", settings).create() as office:
        office.add("alice", "bob")
        gateway.introduce_to(office.directory)
        yield office.start()


def outside(count: int, start: int = 0) -> list[str]:
    return [f"person{number}@example.com" for number in range(start, start + count)]


@contextmanager
def used_up(office: PostOffice) -> Iterator[smtplib.SMTP]:
    """Write to the three people that Alice may write to."""
    with logged_in(office) as smtp:
        assert send(smtp, *outside(3))[0] == 250
        yield smtp


def test_fourth_person_in_a_day_needs_a_stamp_or_a_day(strict: PostOffice) -> None:
    with used_up(strict) as smtp:
        code, text = send(smtp, *outside(1, start=3))
        assert code == 452
        assert b"Only 3 different Internet recipients in 24 hours" in text
        assert b"room again in 24 hours" in text
        assert b"hashcash -mb10" in text
        code, _ = send(smtp, *outside(1, start=3), extra=stamp(10))
        assert code == 250
        assert send(smtp, *outside(1, start=4))[0] == 250, "the stamp gave twenty"


def test_any_number_of_messages_to_the_same_people(strict: PostOffice) -> None:
    with used_up(strict) as smtp:
        for spelling in ("person0@example.com", "Person1@EXAMPLE.com", "person2@example.com"):
            assert send(smtp, spelling)[0] == 250
        assert send(smtp, "person0@example.com")[0] == 250
        smtp.mail(address("alice"))
        code, text = smtp.rcpt("person0@example.com")
        assert (code, b"Only 5 messages" in text) == (452, True)


def test_people_here_are_never_counted(strict: PostOffice) -> None:
    with used_up(strict) as smtp:
        for recipient in (address("bob"), f"bob@{OFFICIAL}"):
            assert send(smtp, recipient)[0] == 250


def test_a_stamp_counts_once_and_for_its_account_only(strict: PostOffice) -> None:
    one = stamp(10)
    with used_up(strict) as smtp:
        assert send(smtp, address("bob"), extra=one)[0] == 250  # handed in with local mail
        assert send(smtp, *outside(2, start=3))[0] == 250
    for wrong in (one, stamp(10, address("bob")), stamp(9)):
        with logged_in(strict) as smtp:
            assert send(smtp, *outside(20, start=30), extra=wrong)[0] == 550
    with logged_in(strict) as smtp:
        assert send(smtp, *outside(20, start=30), extra=stamp(12, f"alice@{OFFICIAL}"))[0] == 250


def test_more_people_than_any_stamp_pays_for_are_refused_one_by_one(strict: PostOffice) -> None:
    with logged_in(strict) as smtp:
        smtp.mail(address("alice"))
        codes = [smtp.rcpt(each)[0] for each in outside(90)]
    assert codes[:83] == [250] * 83
    assert set(codes[83:]) == {550}


def test_a_stamp_never_leaves(strict: PostOffice) -> None:
    message = letter(address("bob"), extra=stamp(10)).encode()
    strict.submit(address("alice"), address("bob"), message)
    (arrived,) = strict.fetch("bob")
    assert not re.search(b"hashcash", arrived, re.IGNORECASE)


def test_what_was_counted_survives_a_crash(strict: PostOffice) -> None:
    with used_up(strict):
        pass
    strict.kill()
    strict.start()
    with logged_in(strict) as smtp:
        assert send(smtp, *outside(1, start=3))[0] == 452
        assert send(smtp, *outside(1))[0] == 250
