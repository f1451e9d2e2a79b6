# SPDX-License-Identifier: Apache-2.0
"""Reads hashcash stamps, version 1 (http://www.hashcash.org/docs/hashcash.html).

A stamp proves that its maker computed for a while: `1:bits:date:resource:ext:rand:counter`, and
SHA-1 of it begins with that many zero bits. Whether it was counted before is for the store to say.

Trust: any user; a stamp is a line of text like any other.
"""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from eepost.mail.header import split_header
from eepost.mail.violation import PeerViolation

# One of Debian's `hashcash` has some 60 characters, most of them the address.
MAX_STAMP_CHARACTERS = 400
# In one message; who has more can hand them in with the next.
MAX_STAMPS = 4
# hashcash(1): a stamp is good for 28 days, and clocks may be two days apart.
VALID_SECONDS = 28 * 86_400
GRACE_SECONDS = 2 * 86_400
_DATE_FORMATS = {6: "%y%m%d", 10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S"}


@dataclass(frozen=True, slots=True)
class Stamp:
    """A stamp that is what it says: worth `bits`, until the day (since 1970) after which it ends.

    `text` is what must not be counted twice.
    """

    text: str
    bits: int
    last_day: int


def read_stamp(text: str, resources: Collection[str], now_utc: int) -> Stamp | None:
    """Return the stamp that `text` is, None where it is none for any of `resources` now.

    `resources` are in lower case.
    """
    text = "".join(text.split())
    parts = text.split(":")
    if len(text) > MAX_STAMP_CHARACTERS or not text.isascii() or len(parts) != 7:
        return None
    version, claimed, date, resource, *_ = parts
    if version != "1" or resource.lower() not in resources:
        return None
    made_utc = _seconds(date)
    if (
        made_utc is None
        or not -GRACE_SECONDS <= now_utc - made_utc <= VALID_SECONDS + GRACE_SECONDS
    ):
        return None
    bits = int(claimed) if claimed.isdecimal() and len(claimed) <= 3 else 0
    # What was claimed counts, not what luck gave: else everybody would publish his best.
    if not 0 < bits <= _zero_bits(text):
        return None
    return Stamp(text, bits, (made_utc + VALID_SECONDS + GRACE_SECONDS) // 86_400)


def stamps_in(message: bytes | bytearray) -> Iterator[str]:
    """Yield what the X-Hashcash fields of a message say, MAX_STAMPS of them at most."""
    end = message.find(b"\r\n\r\n")
    head = message[:end] if end >= 0 else message
    if b"x-hashcash" not in head.lower():
        return  # of most mail: not worth splitting
    try:
        fields = split_header(message).fields
    except PeerViolation:
        return  # it will be refused
    found = [value for name, _, value in fields if name.lower() == b"x-hashcash"]
    for value in found[:MAX_STAMPS]:
        yield value[: 2 * MAX_STAMP_CHARACTERS].decode("ascii", "replace")


def _seconds(date: str) -> int | None:
    form = _DATE_FORMATS.get(len(date))
    if form is None or not date.isdecimal():
        return None
    try:
        return int(datetime.strptime(date, form).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _zero_bits(text: str) -> int:
    # The format's own hash. Collisions of SHA-1 do not help here: a first half of zeros does.
    digest = hashlib.sha1(text.encode("ascii"), usedforsecurity=False).digest()
    return 160 - int.from_bytes(digest, "big").bit_length()
