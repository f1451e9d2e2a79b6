# SPDX-License-Identifier: Apache-2.0
"""One line instead of the trace fields (RFC 5321 4.4): where a message set out, when, how far.

Trust: every host on the way wrote its own field, and may have written those of others. The line
says what they say, in words of ours: no address of a client, no name that a client gave itself.
"""

import re
from collections.abc import Iterable

from eepost.mail.date import parse_date, write_date
from eepost.mail.header import Field

NAME = b"first-hop"  # as names are compared

_BY = re.compile(rb"(?:\A|\s)by\s++([A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?)(?=[\s;(]|\Z)")
_DATE = rb"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:00 \+0000"
_WRITTEN = re.compile(rb" (?:by [a-z0-9.-]{1,255}; )?(?:%s; )?hosts: \d{1,4}\r\n" % _DATE)


def first_hop(fields: Iterable[Field]) -> list[Field]:
    """Return the field for a header, in a list; nothing where no host says that it took it.

    A header without trace fields may hold the line already: the gateway wrote it, or somebody who
    could as well have invented the trace.
    """
    fields = list(fields)
    trace = [value for name, _, value in fields if name.lower() == b"received"]
    if not trace:
        lines = (each for each in fields if each[0].lower() == NAME)
        return [each for each in lines if _WRITTEN.fullmatch(each[2])][:1]
    first = trace[-1]  # each host puts its field in front
    host, date = _BY.search(first), parse_date(first.rpartition(b";")[2])
    said = [b"by " + host[1].lower()] if host is not None else []
    said += [write_date(date)] if date is not None else []
    said.append(b"hosts: %d" % len(trace))
    return [(b"First-Hop", b":", b" %s\r\n" % b"; ".join(said))]
