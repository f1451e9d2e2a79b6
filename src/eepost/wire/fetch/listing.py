# SPDX-License-Identifier: Apache-2.0
"""Reads LIST and UIDL (RFC 1939 5 and 7) into entries.

Trust: the service sends this. Numbers and sizes are only hints of what is there; a unique-id is
what mail is known by later, so two of one name are one message.
"""

import re
from collections.abc import Sequence
from typing import Final

from eepost.mail.violation import PeerViolation
from eepost.wire.fetch.events import Entry

_SIZE: Final = re.compile(rb"([0-9]{1,9}) +([0-9]{1,18})(?: .*)?", re.DOTALL)
# RFC 1939 7 has up to 70 characters; some servers need a few more.
_UNIQUE_ID: Final = re.compile(rb"([0-9]{1,9}) +([!-~]{1,200}) *")


def read_entries(sizes: Sequence[bytes], unique_ids: Sequence[bytes] | None) -> list[Entry]:
    """Return what is listed by both, in the order of the numbers. Raises PeerViolation.

    `unique_ids` is None where the service gives none.
    """
    by_number = _pairs(sizes, _SIZE)
    if unique_ids is None:
        return [Entry(number, int(size), "") for number, size in sorted(by_number.items())]
    ids = _pairs(unique_ids, _UNIQUE_ID)
    entries: dict[str, Entry] = {}
    for number, size in sorted(by_number.items()):
        unique_id = ids.get(number, b"").decode("ascii")
        if unique_id:
            entries.setdefault(unique_id, Entry(number, int(size), unique_id))
    return list(entries.values())


def _pairs(lines: Sequence[bytes], form: re.Pattern[bytes]) -> dict[int, bytes]:
    pairs: dict[int, bytes] = {}
    for line in lines:
        found = form.fullmatch(line)
        if found is None or int(found[1]) in pairs:
            raise PeerViolation("a line of a listing can't be understood")
        pairs[int(found[1])] = found[2]
    return pairs
