# SPDX-License-Identifier: Apache-2.0
"""Writes dates for header fields (RFC 5322 3.3): always +0000, seconds always 00.

A zone tells where a clock stands, and seconds tell one clock from another.
"""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = (b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun")
_MONTHS = tuple(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())


def write_date(seconds_utc: int) -> bytes:
    """Return `Mon, 23 Nov 2026 15:13:00 +0000` for seconds since 1970, cut down to the minute.

    Cut and not rounded, so that no date lies in the future. Raises OverflowError beyond year 9999.
    """
    at = _EPOCH + timedelta(seconds=seconds_utc)
    return b"%s, %02d %s %04d %02d:%02d:00 +0000" % (
        _DAYS[at.weekday()],
        at.day,
        _MONTHS[at.month - 1],
        at.year,
        at.hour,
        at.minute,
    )
