# SPDX-License-Identifier: Apache-2.0
"""The words of what senders hear of mail that waited: of a delay, and of the end.

No host is named and no far server is quoted: a report says which recipient, what became of him,
and a status code (RFC 3463).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eepost.mail.address import Address
from eepost.mail.dsn import Action, Original, Outcome, report
from eepost.mail.envelope import Return
from eepost.mail.msgid import RANDOM_OCTETS, fresh_id
from eepost.mail.own import OwnMail
from eepost.queue.item import Forward, Item, State
from eepost.queue.retry import Randomness

# Above, RET=FULL gives the header only (RFC 3461 6.2 allows it): a maildrop holds five largest
# messages, and whoever wrote this one has it.
MAX_RETURNED_OCTETS = 1_048_576

_DELAYED: Final = """\
Your message has not reached everybody yet. There is nothing to do: it is
tried again for {days} days from its sending, and you will hear of it if that
does not help.
"""
_SOME_FAILED: Final = """\
Your message could not be delivered to some of its recipients, and waits for
others: it is tried again for {days} days from its sending.
"""
_FAILED: Final = """\
Your message could not be delivered to the recipients below that are marked
as failed. It is not tried again.
"""
_DONE: Final = """\
Your message was handed on for all of its recipients below. Whether anybody
has read it is not known.
"""


@dataclass(frozen=True, slots=True)
class Writer:
    """What every report needs."""

    domain: str  # the internal one
    message_id_domain: str
    lifetime_seconds: int
    randomness: Randomness

    def write(
        self, item: Item, told: Sequence[int], content: bytes | bytearray, now_utc: int
    ) -> list[bytes | memoryview]:
        """Return the report on those recipients of `item` that `told` names by their place."""
        forwards = [item.forwards[at] for at in told]
        subject, text = _words(forwards)
        mail = OwnMail(
            domain=self.domain,
            to=Address(item.name, self.domain),
            subject=subject,
            text=text.format(days=self.lifetime_seconds // 86_400),
            sent_utc=now_utc,
            message_id=fresh_id(self.randomness(RANDOM_OCTETS), self.message_id_domain),
        )
        outcomes = [Outcome(each.address, _action(each), each.status) for each in forwards]
        original = _original(item, content, has_failed=_has(forwards, State.FAILED))
        return report(mail, outcomes, original, self.randomness(20).hex())


def _words(forwards: Sequence[Forward]) -> tuple[str, str]:
    if _has(forwards, State.WAITING):
        if _has(forwards, State.FAILED):
            return "Not delivered to everybody: your message", _SOME_FAILED
        return "Delayed: your message", _DELAYED
    if _has(forwards, State.FAILED):
        return "Not delivered: your message", _FAILED
    return "Handed on: your message", _DONE


def _has(forwards: Sequence[Forward], state: State) -> bool:
    return any(each.state is state for each in forwards)


def _action(each: Forward) -> Action:
    if each.state is State.WAITING:
        return Action.DELAYED
    if each.state is State.FAILED:
        return Action.FAILED
    # What becomes of a success beyond a far server, nobody tells us: no parameter of RFC 3461
    # goes there, since a sender's program makes ENVID and ORCPT up.
    return Action.DELIVERED if each.is_local else Action.RELAYED


def _original(item: Item, content: bytes | bytearray, *, has_failed: bool) -> Original:
    # RFC 3461 4.3: RET speaks of failures; other reports never bring the message back.
    is_whole = item.returns is Return.FULL and has_failed and len(content) <= MAX_RETURNED_OCTETS
    returned = bytes(content if is_whole else content[: content.find(b"\r\n\r\n") + 2])
    return Original(item.accepted_utc, item.envelope_id, [returned], is_whole)
