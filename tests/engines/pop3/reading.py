# SPDX-License-Identifier: Apache-2.0
"""Reads what a POP3 server sent, as a client would that trusts nothing."""

import re

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
