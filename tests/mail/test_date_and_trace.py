# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.address import Address
from eepost.mail.date import parse_date, write_date
from eepost.mail.trace import arrival_field, received_field, return_path_field


@given(st.integers(min_value=0, max_value=253_402_300_799))
def test_date_is_the_minute_it_was_in_utc(seconds: int) -> None:
    read = parsedate_to_datetime(write_date(seconds).decode())
    assert read == datetime.fromtimestamp(seconds - seconds % 60, UTC)


def test_date_has_one_shape() -> None:
    assert write_date(1_795_446_839) == b"Mon, 23 Nov 2026 15:13:00 +0000"
    assert write_date(0) == b"Thu, 01 Jan 1970 00:00:00 +0000"


def test_received_names_the_post_office_and_the_minute_and_nothing_else() -> None:
    assert received_field("mail.i2p", 59) == (
        b"Received: by mail.i2p with ESMTPA; Thu, 01 Jan 1970 00:00:00 +0000\r\n"
    )


def test_received_with_a_domain_in_no_ascii_is_our_fault() -> None:
    with pytest.raises(UnicodeEncodeError):
        received_field("b\u00fccher.i2p", 0)


def test_return_path_is_the_reverse_path_or_null() -> None:
    assert return_path_field(Address("a b", "mail.i2p")) == b'Return-Path: <"a b"@mail.i2p>\r\n'
    assert return_path_field(None) == b"Return-Path: <>\r\n"


@pytest.mark.parametrize(
    ("value", "date"),
    [
        (b" Mon, 23 Nov 2026 16:13:59 +0100\r\n", b"Mon, 23 Nov 2026 15:13:00 +0000"),
        (b"23 Nov 26 10:13 EST", b"Mon, 23 Nov 2026 15:13:00 +0000"),
        (b"Monday, 23-Nov-2026 15.13.00 GMT (x)", b"Mon, 23 Nov 2026 15:13:00 +0000"),
        (b"Fri, 1 Jan 99 00:00:00 -0030", b"Fri, 01 Jan 1999 00:30:00 +0000"),
    ],
)
def test_date_is_read_in_all_its_forms(value: bytes, date: bytes) -> None:
    seconds = parse_date(value)
    assert seconds is not None
    assert write_date(seconds) == date


@pytest.mark.parametrize(
    "value",
    [b"", b"yesterday", b"31 Feb 2026 10:00 +0000", b"1 Foo 2026 10:00", b"1 Jan 1960 10:00 +0000"],
)
def test_what_is_no_date_is_none(value: bytes) -> None:
    assert parse_date(value) is None


def test_mail_from_the_internet_is_said_to_have_come_and_no_more() -> None:
    assert arrival_field("mail.i2p", 1_700_000_059) == (
        b"Received: by mail.i2p with ESMTP; Tue, 14 Nov 2023 22:14:00 +0000\r\n"
    )
    with pytest.raises(UnicodeEncodeError):
        arrival_field("b\u00fccher.i2p", 0)
