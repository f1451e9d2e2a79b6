# SPDX-License-Identifier: Apache-2.0
"""Random sessions: what clients may send, and a reader of replies that knows their forms."""

import re

from hypothesis import strategies as st

_LOGIN = b"USER alice\r\nPASS correct horse\r\n"
_VERBS = b"CAPA USER PASS APOP AUTH STLS QUIT STAT LIST UIDL RETR TOP DELE RSET NOOP quit".split()
_ARGUMENTS = [b"", b" ", b" 1", b" 2", b" 3", b" 9", b" 1 1", b" -1", b" alice", b" correct horse"]
_LINES = st.tuples(st.sampled_from(_VERBS), st.sampled_from(_ARGUMENTS)).map(
    lambda pair: pair[0] + pair[1] + b"\r\n"
)
_NOISE = st.sampled_from([b"\r", b"\n", b"\0", b"\xff", b"x" * 300, b" ", b"\r\n", b".\r\n"])

OCTETS = st.lists(
    st.one_of(st.just(_LOGIN), _LINES, _LINES, _LINES, _NOISE, st.binary(max_size=20)),
    max_size=25,
).map(b"".join)
CUTS = st.lists(st.integers(0, 600), max_size=10)

_STATUS = re.compile(rb"(\+OK|-ERR) [ -~]{1,505}\r\n")
_MULTILINE = re.compile(
    rb"\+OK (capabilities follow|unique-ids follow|top of message follows|\d+ octets"
    rb"|\d+ messages \(\d+ octets\))\r\n"
)


def read_replies(octets: bytes) -> list[bytes]:
    """Cut what a server sent into replies. Raises ValueError where it isn't well-formed."""
    replies = []
    at = 0
    while at < len(octets):
        status = _STATUS.match(octets, at)
        if status is None:
            raise ValueError(f"no status line: {octets[at : at + 80]!r}")
        end = status.end()
        if _MULTILINE.fullmatch(status[0]):
            end = octets.index(b"\r\n.\r\n", end - 2) + 5
        replies.append(octets[at:end])
        at = end
    return replies
