# SPDX-License-Identifier: Apache-2.0
"""Writes delivery status notifications (RFC 3464) that name no host and quote no peer."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from eepost.mail.address import Address
from eepost.mail.date import write_date
from eepost.mail.own import OwnMail


class Action(Enum):
    """What became of a recipient (RFC 3464 2.3.3)."""

    DELIVERED = "delivered"
    RELAYED = "relayed"
    DELAYED = "delayed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A recipient, what became of it, and the enhanced status code that says why."""

    recipient: Address
    action: Action
    status: str


@dataclass(frozen=True, slots=True)
class Original:
    """The message that is reported on.

    `envelope_id` is what ENVID was, None where it was not given (RFC 3464 2.2.1). `returned` is
    given back: the sanitised header in CRLF lines, or the whole message where `is_whole`.
    """

    accepted_utc: int
    envelope_id: str | None
    returned: Sequence[bytes | memoryview]
    is_whole: bool = False


def report(
    mail: OwnMail, outcomes: Sequence[Outcome], original: Original, boundary: str
) -> list[bytes | memoryview]:
    """Return a multipart/report message in pieces of CRLF lines (RFC 6522); `boundary`: random."""
    edge = b"--" + boundary.encode("ascii")
    head = [
        *mail.header(),
        b"Content-Type: multipart/report; report-type=delivery-status;",
        b'\tboundary="%s"' % boundary.encode("ascii"),
        b"",
        edge,
        b"Content-Type: text/plain; charset=us-ascii",
        b"",
        *mail.body(),
        b"",
        edge,
        b"Content-Type: message/delivery-status",
        b"",
        *_per_message(mail, original),
        b"",
        *(line for outcome in outcomes for line in _per_recipient(outcome)),
        edge,
        b"Content-Type: " + (b"message/rfc822" if original.is_whole else b"text/rfc822-headers"),
        b"",
        b"",
    ]
    return [b"\r\n".join(head), *original.returned, b"\r\n" + edge + b"--\r\n"]


def _per_message(mail: OwnMail, original: Original) -> list[bytes]:
    lines = [b"Reporting-MTA: dns; " + mail.domain.encode("ascii")]
    if original.envelope_id is not None:
        # xtext decodes to printable ASCII (RFC 3461 4.4); whatever else came must not end the line.
        clean = "".join(each for each in original.envelope_id if "\x20" <= each <= "\x7e")
        lines.insert(0, b"Original-Envelope-Id: " + clean.encode("ascii"))
    return [*lines, b"Arrival-Date: " + write_date(original.accepted_utc)]


def _per_recipient(outcome: Outcome) -> list[bytes]:
    kind = b"rfc822" if outcome.recipient.is_ascii else b"utf-8"  # RFC 6533 3
    return [
        b"Final-Recipient: %s; %s" % (kind, str(outcome.recipient).encode()),
        b"Action: " + outcome.action.value.encode("ascii"),
        b"Status: " + outcome.status.encode("ascii"),
        b"",
    ]
