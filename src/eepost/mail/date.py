# SPDX-License-Identifier: Apache-2.0
"""Dates in header fields (RFC 5322 3.3): read in all forms, written with +0000 and seconds 00.

A zone tells where a clock stands, and seconds tell one clock from another.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = (b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun")
_MONTHS = tuple(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())


def write_date(seconds_utc: int) -> bytes:
    """Return `Mon, 23 Nov 2026 15:13:00 +0000` for seconds since 1970, cut down to the minute.

    Cut and not rounded, so that no date lies in the future. Raises OverflowError beyond year 9999.
    """
    return _write_minute(seconds_utc // 60)


@lru_cache(maxsize=4)  # all mail of a minute has the same date, twice
def _write_minute(minutes_utc: int) -> bytes:
    at = _EPOCH + timedelta(minutes=minutes_utc)
    return b"%s, %02d %s %04d %02d:%02d:00 +0000" % (
        _DAYS[at.weekday()],
        at.day,
        _MONTHS[at.month - 1],
        at.year,
        at.hour,
        at.minute,
    )


_DATE = re.compile(
    rb"\s*+(?:[A-Za-z]{3,9}\s*+,?\s*+)?(\d{1,2})[\s-]++([A-Za-z]{3})[a-z]*+[\s-]++(\d{2,4})\s++"
    rb"(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?\s*+([+-]\d{4}|[A-Za-z]{1,5})?"
)
# RFC 5322 4.3; of single letters and unknown names nothing can be said, so they count as UTC.
_ZONES = {b"EST": -5, b"EDT": -4, b"CST": -6, b"CDT": -5, b"MST": -7, b"MDT": -6, b"PST": -8} | {
    **{b"PDT": -7, b"CET": 1, b"CEST": 2, b"MET": 1, b"MEST": 2, b"BST": 1, b"EET": 2, b"JST": 9}
}


def parse_date(value: bytes) -> int | None:
    """Return the seconds since 1970 that a Date field's value names, or None."""
    found = _DATE.match(value)
    if found is None:
        return None
    month = found[2].title()
    year = int(found[3])
    if year < 1000:  # RFC 5322 4.3: two or three digits
        year += 2000 if year < 50 else 1900
    try:
        at = datetime(
            year, _MONTHS.index(month) + 1, int(found[1]), int(found[4]), int(found[5]), tzinfo=UTC
        )
    except ValueError:
        return None
    seconds = int((at - _EPOCH).total_seconds()) - _zone_seconds(found[7] or b"")
    return seconds if 0 <= seconds <= _LAST_SECOND else None


_LAST_SECOND = 253_402_300_799  # 9999-12-31 23:59:59


def _zone_seconds(zone: bytes) -> int:
    if zone[:1] in {b"+", b"-"}:
        seconds = int(zone[1:3]) * 3_600 + int(zone[3:5]) * 60
        return -seconds if zone.startswith(b"-") else seconds
    return _ZONES.get(zone.upper(), 0) * 3_600
