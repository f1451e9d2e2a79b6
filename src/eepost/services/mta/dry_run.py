# SPDX-License-Identifier: Apache-2.0
"""The dry run: what the sanitiser would make of a message, told to its author and nobody else.

A message to the reserved address alone is not sent anywhere; a report on it comes back, with the
message as its recipients would have got it.
"""

from collections.abc import Collection, Sequence
from typing import Final

from eepost.mail.address import Address
from eepost.mail.msgid import RANDOM_OCTETS, fresh_id
from eepost.mail.own import OwnMail, with_message
from eepost.sanitise.from_user import FromUser
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.words import describe

# Reserved in `accounts.names`, so that nobody ever gets it.
LOCAL_PART: Final = "dry-run"

_PASSED: Final = """\
Your message was not sent. This is what the post office would have changed
in it; how its recipients would get it is attached.
"""
_REFUSED: Final = """\
Your message was not sent, and it would have been refused:

  {reason}

Up to there, this is what the post office would have changed in it.
"""


def is_dry_run(address: Address, domains: Collection[str]) -> bool:
    """Say whether `address` is the reserved one."""
    return address.local_part.lower() == LOCAL_PART and address.domain.lower() in domains


def explanation(outcome: Sanitised | Refused, context: FromUser) -> Sequence[bytes | memoryview]:
    """Return the report on a message, as mail to its author."""
    report = describe(outcome.report)
    if isinstance(outcome, Refused):
        text, message = _REFUSED.format(reason=outcome.reply.text), None
    else:
        text, message = _PASSED, outcome.pieces
    mail = OwnMail(
        domain=context.address.domain,
        to=context.address,
        subject="Not sent: what would become of your message",
        text=f"{text}\n{report}",
        sent_utc=context.accepted_utc,
        message_id=fresh_id(context.randomness(RANDOM_OCTETS), context.message_id_domain),
    )
    return with_message(mail, message, context.randomness(20).hex())
