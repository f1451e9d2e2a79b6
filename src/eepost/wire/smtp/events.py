# SPDX-License-Identifier: Apache-2.0
"""What the engine tells its owner.

An event marked *decide* waits for `SmtpServer.decide(reply)` before anything else happens; the
others are told and need nothing.
"""

from dataclasses import dataclass, field

from eepost.mail.envelope import Recipient, ReversePath


@dataclass(frozen=True, slots=True)
class Connected:
    """*decide*: the stream is open. 220 greets; 421 or 554 turns the peer away."""


@dataclass(frozen=True, slots=True)
class Introduced:
    """Told by a mail exchanger only: the name that EHLO or HELO gave, printable or not."""

    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Secured:
    """Told: TLS stands. What was said before counts for nothing (RFC 3207 4.2)."""


@dataclass(frozen=True, slots=True)
class AuthGiven:
    """*decide*: name and password of AUTH PLAIN or LOGIN (RFC 4954). 235, 535, 454.

    `login` is as the peer wrote it, a bare name or an address; authzid was empty or equal to it.
    """

    login: str
    password: str

    def __repr__(self) -> str:
        return "AuthGiven()"  # neither belongs in a traceback


@dataclass(frozen=True, slots=True)
class MailGiven:
    """*decide*: MAIL FROM. 250 opens a transaction.

    At submission it comes only after an accepted AuthGiven.
    """

    reverse_path: ReversePath


@dataclass(frozen=True, slots=True)
class RcptGiven:
    """*decide*: RCPT TO. 250 adds the recipient to the transaction."""

    recipient: Recipient


@dataclass(frozen=True, slots=True)
class ContentGiven:
    """Told: the next octets of the message, dot-unstuffed, in order.

    Comes only between an accepted RcptGiven and MessageGiven or TransactionDropped. What the peer
    sends beyond the size limit, or after a bare CR or LF, is not passed on. A whole message is
    lines that end in CRLF, the last one too: where BDAT left that out, it is added.
    """

    octets: bytes


@dataclass(frozen=True, slots=True)
class MessageGiven:
    """*decide*: the message is complete, all its octets were told. 250 means it is durable."""


@dataclass(frozen=True, slots=True)
class TransactionDropped:
    """Told: forget the open transaction and what came of its content (RSET, EHLO, QUIT, EOF...)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Told: the engine answered by itself; for counters. `name` is constant text."""

    name: str


Event = (
    Connected
    | Introduced
    | Secured
    | AuthGiven
    | MailGiven
    | RcptGiven
    | ContentGiven
    | MessageGiven
    | TransactionDropped
    | Mark
)
