# SPDX-License-Identifier: Apache-2.0
"""Composes what the post office itself writes: notices and delivery reports."""

from collections.abc import Sequence
from dataclasses import dataclass

from eepost.mail.address import Address
from eepost.mail.date import write_date


@dataclass(frozen=True, slots=True)
class OwnMail:
    """A message from the post office to one of its users.

    `message_id` and `boundary` are random and given by the caller; `subject` and `text` are
    constant ASCII words of ours, `text` in lines parted by a line feed.
    """

    domain: str
    to: Address
    subject: str
    text: str
    sent_utc: int
    message_id: bytes

    def header(self) -> list[bytes]:
        """Return the header field lines without the content fields."""
        return [
            b"Return-Path: <>",  # nobody answers a report with a report (RFC 5321 4.5.5)
            b"From: Post office <postmaster@%s>" % self.domain.encode("ascii"),
            b"To: <%s>" % str(self.to).encode(),
            b"Subject: %s" % self.subject.encode("ascii"),
            b"Date: " + write_date(self.sent_utc),
            b"Message-ID: <%s>" % self.message_id,
            b"Auto-Submitted: auto-generated",  # RFC 3834 5: keeps vacation programs quiet
            b"MIME-Version: 1.0",
        ]

    def body(self) -> list[bytes]:
        """Return the text's lines."""
        return self.text.encode("ascii").split(b"\n")


def plain(mail: OwnMail) -> bytes:
    """Return `mail` as a plain text message in CRLF lines."""
    lines = [*mail.header(), b"Content-Type: text/plain; charset=us-ascii", b"", *mail.body(), b""]
    return b"\r\n".join(lines)


def with_message(
    mail: OwnMail, message: Sequence[bytes | memoryview] | None, boundary: str
) -> list[bytes | memoryview]:
    """Return `mail` with another message attached, if there is one, in pieces of CRLF lines."""
    if message is None:
        return [plain(mail)]
    delimiter = b"--" + boundary.encode("ascii")
    head = [
        *mail.header(),
        b'Content-Type: multipart/mixed; boundary="%s"' % boundary.encode("ascii"),
        b"",
        delimiter,
        b"Content-Type: text/plain; charset=us-ascii",
        b"",
        *mail.body(),
        delimiter,
        b"Content-Type: message/rfc822",
        b"Content-Disposition: inline",
        b"",
        b"",
    ]
    return [b"\r\n".join(head), *message, b"\r\n" + delimiter + b"--\r\n"]
