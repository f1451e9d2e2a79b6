# SPDX-License-Identifier: Apache-2.0
"""What each answer of the owner does, and which answers are legal to which event."""

from collections.abc import Callable, Mapping
from typing import Final

from eepost.mail.violation import Misuse
from eepost.wire.pop3 import replies
from eepost.wire.pop3.events import (
    Admitted,
    Answer,
    Arrived,
    Connected,
    Content,
    Event,
    Finished,
    LoginGiven,
    MessageWanted,
    Proceed,
    RefreshGiven,
    Refused,
    ResponseCode,
    UpdateGiven,
)
from eepost.wire.pop3.session import Session


def settle(session: Session, event: Event, answer: Answer) -> None:
    """Act on the answer to `event`. Raises Misuse if it can't be answered so."""
    act = _LEGAL.get((type(event), type(answer)))
    if act is None:
        raise Misuse("this event has no such answer")
    session.awaited = None
    act(session, event, answer)


def _greet(session: Session, _event: Connected, _answer: Proceed) -> None:
    session.send(replies.GREETING)


def _turn_away(session: Session, _event: Connected, answer: Refused) -> None:
    session.refuse(answer)
    session.close()


def _admit(session: Session, _event: LoginGiven, answer: Admitted) -> None:
    session.is_admitted = True
    session.listing.append(answer.entries)
    session.send(replies.ADMITTED)


def _deny(session: Session, _event: LoginGiven, answer: Refused) -> None:
    session.deny(answer)


def _refresh(session: Session, _event: RefreshGiven, answer: Arrived) -> None:
    listing = session.listing
    listing.append(answer.entries)
    session.send(b"+OK %d %d\r\n" % (listing.count, listing.octets))


def _decline(session: Session, _event: RefreshGiven, answer: Refused) -> None:
    session.refuse(answer)


def _show(session: Session, event: MessageWanted, answer: Content) -> None:
    session.show(event, answer.octets)
    session.awaited = event


def _finish(session: Session, event: MessageWanted, _answer: Finished) -> None:
    session.finish(event)


def _break_off(session: Session, _event: MessageWanted, answer: Refused) -> None:
    if session.is_sending:
        # A dot would pass a part off as the whole, and a reply would be read as content.
        session.close()
    else:
        session.refuse(answer)


def _part(session: Session, _event: UpdateGiven, _answer: Proceed) -> None:
    session.send(replies.BYE)
    session.close()


def _keep(session: Session, _event: UpdateGiven, answer: Refused) -> None:
    session.send(replies.failure(answer.text, answer.code or ResponseCode.SYS_TEMP))
    session.close()


_LEGAL: Final[Mapping[tuple[type, type], Callable[..., None]]] = {
    (Connected, Proceed): _greet,
    (Connected, Refused): _turn_away,
    (LoginGiven, Admitted): _admit,
    (LoginGiven, Refused): _deny,
    (RefreshGiven, Arrived): _refresh,
    (RefreshGiven, Refused): _decline,
    (MessageWanted, Content): _show,
    (MessageWanted, Finished): _finish,
    (MessageWanted, Refused): _break_off,
    (UpdateGiven, Proceed): _part,
    (UpdateGiven, Refused): _keep,
}
