# SPDX-License-Identifier: Apache-2.0
"""HTML and remote pictures in events (RFC 5545): programs show them beside an invitation.

Trust: anybody may have written the event. The words that everybody reads stand in DESCRIPTION.
"""

import re

from eepost.sanitise.rebuild.texts import RECORD_TYPES

_FOLD = re.compile(rb"\r?\n[ \t]")
# Descriptions in HTML by Outlook and by RFC 9073 6.5, pictures by RFC 7986 5.10, and whatever else
# says that it is HTML.
_PAGE = re.compile(
    rb"(?i)(?:X-ALT-DESC|STYLED-DESCRIPTION|IMAGE)[;:]|[A-Z0-9-]++;[^\r\n]{0,500}?FMTTYPE=\"?text/html"
)
TYPES = frozenset(each for each, kind in RECORD_TYPES.items() if kind == "text/calendar")


# A year of events has some thousands; of as many it takes a tenth of a second.
MAX_LINES = 200_000


def without_pages(octets: bytes) -> bytes | None:
    """Return an event without them, in CRLF lines; None for one that has none, b"" if too long."""
    if octets.count(b"\n") + octets.count(b"\r") > 2 * MAX_LINES:
        return b""
    lines = _FOLD.sub(b"", octets).splitlines()
    kept = [line for line in lines if _PAGE.match(line) is None]
    return None if len(kept) == len(lines) else b"\r\n".join([*kept, b""])
