# SPDX-License-Identifier: Apache-2.0
"""What each decision of the owner does, and which yes belongs to which event."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from eepost.mail.reply import Reply
from eepost.mail.violation import Misuse
from eepost.wire.smtp import replies
from eepost.wire.smtp.events import (
    AuthGiven,
    Connected,
    Event,
    MailGiven,
    MessageGiven,
    RcptGiven,
)
from eepost.wire.smtp.session import Session
from eepost.wire.smtp.states import Step


def settle(session: Session, event: Event, reply: Reply) -> None:
    """Act on the answer to `event` and send it. Raises Misuse for a yes to another question."""
    positive, accept, refuse = _DECISIONS[type(event)]
    if reply.is_positive and reply.code != positive:
        # Some clients take any other code for a failure, 251 for example.
        raise Misuse(f"the event is answered with {positive} or a refusal")
    session.asked = None
    session.send(reply)
    (accept if reply.is_positive else refuse)(session, event, reply)
    if reply.code == 421:
        session.close()


def _greet(session: Session, _event: Connected, _reply: Reply) -> None:
    session.advance(Step.GREETED)


def _turn_away(session: Session, _event: Connected, _reply: Reply) -> None:
    session.close()


def _log_in(session: Session, _event: AuthGiven, _reply: Reply) -> None:
    session.advance(Step.AUTH_ACCEPTED)


def _deny(session: Session, _event: AuthGiven, reply: Reply) -> None:
    session.fail_login()
    if not reply.is_transient:
        session.auth_failures += 1
        if session.auth_failures >= session.limits.auth_failures:
            session.hang_up(replies.TOO_MANY_LOGINS)


def _open(session: Session, event: MailGiven, _reply: Reply) -> None:
    session.open_transaction(event.reverse_path.is_utf8)


def _add(session: Session, _event: RcptGiven, _reply: Reply) -> None:
    session.advance(Step.RCPT_ACCEPTED)
    session.transaction.recipients += 1


def _leave_out(session: Session, event: RcptGiven, reply: Reply) -> None:
    session.transaction.note_refused(reply, event.recipient.address)


def _hand_over(session: Session, _event: MessageGiven, _reply: Reply) -> None:
    session.messages += 1
    session.end_transaction()


def _nothing(_session: Session, _event: Event, _reply: Reply) -> None:
    pass


# The event's own yes, what follows from it, and what follows from a refusal.
_Effect = Callable[[Session, Any, Reply], None]
_DECISIONS: Final[Mapping[type, tuple[int, _Effect, _Effect]]] = {
    Connected: (220, _greet, _turn_away),
    AuthGiven: (235, _log_in, _deny),
    MailGiven: (250, _open, _nothing),
    RcptGiven: (250, _add, _leave_out),
    MessageGiven: (250, _hand_over, _hand_over),
}
