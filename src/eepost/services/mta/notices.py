# SPDX-License-Identifier: Apache-2.0
"""The words of what the post office writes to its users by itself."""

from collections.abc import Callable, Sequence
from typing import Final

from eepost.mail.address import Address
from eepost.mail.dsn import Action, Original, Outcome, report
from eepost.mail.envelope import ReversePath
from eepost.mail.msgid import RANDOM_OCTETS, fresh_id
from eepost.mail.own import OwnMail, plain
from eepost.sanitise.from_user import FromUser
from eepost.sanitise.outcome import Sanitised

Randomness = Callable[[int], bytes]

_FILLING: Final = """\
Your maildrop is {percent} percent full.

When it is full, mail to you is refused until there is room again. To make
room, fetch your mail with a program that deletes it from the server, or
delete what you don't need.
"""

_DELIVERED: Final = """\
Your message lies in the maildrop of each recipient named below, as you
asked to be told. It is not known whether anybody has fetched or read it.
"""


def fill_notice(
    to: Address, percent: int, now_utc: int, randomness: Randomness, message_id_domain: str
) -> list[bytes]:
    """Return the warning that a maildrop reached `percent` of its limit."""
    mail = OwnMail(
        domain=to.domain,
        to=to,
        subject=f"Your maildrop is {percent} percent full",
        text=_FILLING.format(percent=percent),
        sent_utc=now_utc,
        message_id=fresh_id(randomness(RANDOM_OCTETS), message_id_domain),
    )
    return [plain(mail)]


def success_report(
    reverse_path: ReversePath,
    delivered: Sequence[Address],
    message: Sanitised,
    context: FromUser,
) -> list[bytes | memoryview]:
    """Return the report that a sender asked for by NOTIFY=SUCCESS (RFC 3461 5.2.3).

    The header is given back, never the body: the sender has it (RFC 3461 4.3 leaves that open).
    """
    to = reverse_path.address
    assert to is not None  # noqa: S101 - submission accepts no null reverse-path
    mail = OwnMail(
        domain=to.domain,
        to=to,
        subject="Delivered: your message",
        text=_DELIVERED,
        sent_utc=context.accepted_utc,
        message_id=fresh_id(context.randomness(RANDOM_OCTETS), context.message_id_domain),
    )
    outcomes = [Outcome(each, Action.DELIVERED, "2.1.5") for each in delivered]
    original = Original(context.accepted_utc, reverse_path.envelope_id, [_header_of(message)])
    return report(mail, outcomes, original, context.randomness(20).hex())


def _header_of(message: Sanitised) -> bytes:
    """Return the header block: a rebuilt message is short before its first empty line."""
    head = b"".join(bytes(piece[:65_536]) for piece in message.pieces[:2])
    return head[: head.find(b"\r\n\r\n") + 2]
