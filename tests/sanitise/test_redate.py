# SPDX-License-Identifier: Apache-2.0
import pytest

from eepost.sanitise.redate import redate

NOON = 1_795_435_200
CLEAN = (
    b"Subject: s\r\nDate: Mon, 23 Nov 2026 11:13:00 +0000\r\nMIME-Version: 1.0\r\n\r\n"
    b"Date: Mon, 23 Nov 2026 11:13:00 +0000\r\n"
)


def test_date_of_the_message_is_that_of_its_leaving_and_nothing_else_changes() -> None:
    message = bytearray(CLEAN)
    redate(message, NOON + 59)
    assert message == CLEAN.replace(b"11:13", b"12:00", 1)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        CLEAN.replace(b"Date: Mon", b"Data: Mon", 1),
        CLEAN.replace(b"00 +0000\r\nMIME", b"0 +0000\r\nMIME", 1),
        b"Subject: s\r\nDate: Mon, 23 Nov 2026 11:13:00 +0000\r\n",
    ],
)
def test_what_the_rebuild_did_not_write_stays_as_it_is(message: bytes) -> None:
    same = bytearray(message)
    redate(same, NOON)
    assert same == message
