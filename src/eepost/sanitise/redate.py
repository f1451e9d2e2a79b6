# SPDX-License-Identifier: Apache-2.0
"""Gives a message another date, when it leaves later than it was accepted."""

from eepost.mail.date import write_date

_NAME = b"\r\nDate: "


def redate(message: bytearray, seconds_utc: int) -> None:
    """Write `seconds_utc` into the Date field that the rebuild wrote, which is as long.

    What has no such field stays as it is; it would not pass `to_internet` either.
    """
    end = message.find(b"\r\n\r\n")
    at = message.find(_NAME, 0, max(0, end))
    date = write_date(seconds_utc)
    start = at + len(_NAME)
    if at >= 0 and message[start + len(date) : start + len(date) + 2] == b"\r\n":
        message[start : start + len(date)] = date
