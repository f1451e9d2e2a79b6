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


def report(
    mail: OwnMail,
    outcomes: Sequence[Outcome],
    returned_header: bytes,
    envelope_id: str | None,
    boundary: str,
) -> bytes:
    """Return a multipart/report message in CRLF lines (RFC 6522).

    `returned_header` is the sanitised header of the message, CRLF lines, given back as
    text/rfc822-headers. `envelope_id` is what ENVID was, None where it was not given (RFC 3464
    2.2.1). `boundary` is random.
    """
    edge = b"--" + boundary.encode("ascii")
    lines = [
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
        *_per_message(mail, envelope_id),
        b"",
        *(line for outcome in outcomes for line in _per_recipient(outcome)),
        edge,
        b"Content-Type: text/rfc822-headers",
        b"",
        returned_header,
        edge + b"--",
        b"",
    ]
    return b"\r\n".join(lines)


def _per_message(mail: OwnMail, envelope_id: str | None) -> list[bytes]:
    lines = [b"Reporting-MTA: dns; " + mail.domain.encode("ascii")]
    if envelope_id is not None:
        # xtext decodes to printable ASCII (RFC 3461 4.4); whatever else came must not end the line.
        clean = "".join(each for each in envelope_id if "\x20" <= each <= "\x7e")
        lines.insert(0, b"Original-Envelope-Id: " + clean.encode("ascii"))
    return [*lines, b"Arrival-Date: " + write_date(mail.sent_utc)]


def _per_recipient(outcome: Outcome) -> list[bytes]:
    kind = b"rfc822" if outcome.recipient.is_ascii else b"utf-8"  # RFC 6533 3
    return [
        b"Final-Recipient: %s; %s" % (kind, str(outcome.recipient).encode()),
        b"Action: " + outcome.action.value.encode("ascii"),
        b"Status: " + outcome.status.encode("ascii"),
        b"",
    ]
