# SPDX-License-Identifier: Apache-2.0
"""The trace fields that the post office writes itself (RFC 5321 4.4)."""

from eepost.mail.address import Address
from eepost.mail.date import write_date


def received_field(domain: str, accepted_utc: int) -> bytes:
    """Return the one Received field of a submitted message, with its CRLF.

    It tells that `domain`, which stands in From anyway, took the message from somebody who had
    logged in, and when, to the minute: nothing else. The FROM clause of RFC 5321 4.4 would name
    the client's host and HELO, ID a queue item, FOR a recipient; all are left out on purpose,
    which RFC 5322 3.6.7 allows. Raises UnicodeEncodeError where `domain` is not ASCII.
    """
    date = write_date(accepted_utc)
    return b"Received: by %s with ESMTPA; %s\r\n" % (domain.encode("ascii"), date)


def arrival_field(domain: str, arrived_utc: int) -> bytes:
    """Return the one Received field of a message from the Internet, with its CRLF.

    It tells that `domain` took the message, and when, to the minute; by which gateway and from
    whom, no reader needs to know. Raises UnicodeEncodeError where `domain` is not ASCII.
    """
    date = write_date(arrived_utc)
    return b"Received: by %s with ESMTP; %s\r\n" % (domain.encode("ascii"), date)


def return_path_field(reverse_path: Address | None) -> bytes:
    """Return the Return-Path field that final delivery puts in front, with its CRLF.

    None is the null reverse-path (RFC 5321 4.5.5).
    """
    path = "" if reverse_path is None else str(reverse_path)
    return b"Return-Path: <%s>\r\n" % path.encode()
