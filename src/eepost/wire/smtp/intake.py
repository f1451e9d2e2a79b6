# SPDX-License-Identifier: Apache-2.0
"""Takes the message itself in: by DATA (RFC 5321 4.1.1.4) or by BDAT (RFC 3030).

Whatever is wrong with a message, it is read to its true end before anything is a command again.

Trust: at submission a logged-in user sends content, at an exchanger any server; chunks that are
thrown away come from anybody.
"""

from typing import Final

from eepost.mail.reply import Reply
from eepost.wire.dots import DotDecoder
from eepost.wire.smtp import marks, replies
from eepost.wire.smtp.content import DRAINED_MULTIPLE, FLAW_REPLIES
from eepost.wire.smtp.events import ContentGiven, MessageGiven
from eepost.wire.smtp.session import Session
from eepost.wire.smtp.states import State, Step
from eepost.wire.smtp.transaction import Chunk

_MESSAGE_GIVEN: Final = MessageGiven()


def begin_data(session: Session) -> None:
    """Ask for the content."""
    session.advance(Step.DATA_BEGUN)
    session.decoder = DotDecoder()
    session.send(session.transaction.invitation())


def read_data(session: Session, decoder: DotDecoder) -> bool:
    """Take what came of the message; False if nothing did."""
    lines = session.lines
    if not lines:
        return False
    _admit(session, decoder.decode(lines.take(len(lines))))
    if decoder.is_complete and not session.is_closed:
        lines.feed(decoder.rest)
        session.decoder = None
        _finish_message(session)
    return True


def begin_chunk(session: Session, octets: int, is_last: bool) -> None:
    """Take what came of the chunk, or throw it away: it is never read as commands."""
    if octets > session.limits.message_octets * DRAINED_MULTIPLE:
        session.hang_up(replies.ENDLESS_CONTENT)
        return
    refusal = session.service.refusals[session.state].get(b"BDAT")
    if refusal is None and session.transaction.recipients:
        session.advance(Step.CHUNK_BEGUN)
    elif refusal is None:
        refusal = session.transaction.refusal()
        session.spoil()
        session.drop()
    chunk = session.chunk = Chunk(octets, is_last, refusal)
    if not octets:
        _finish_chunk(session, chunk)


def read_chunk(session: Session, chunk: Chunk) -> bool:
    """Take what came of the chunk; False if nothing did."""
    octets = session.lines.take(chunk.missing_octets)
    if not octets:
        return False
    chunk.missing_octets -= len(octets)
    if chunk.refusal is None:
        _admit(session, octets)
    if not chunk.missing_octets and not session.is_closed:
        _finish_chunk(session, chunk)
    return True


def _admit(session: Session, octets: bytes) -> None:
    check = session.transaction.check
    admitted = check.admit(octets)
    if admitted:
        session.told.append(ContentGiven(admitted))
    elif check.flaw:
        session.spoil()
    if check.is_endless:
        session.hang_up(replies.ENDLESS_CONTENT)


def _finish_chunk(session: Session, chunk: Chunk) -> None:
    session.chunk = None
    if chunk.refusal is not None:
        _refuse_chunk(session, chunk.refusal, chunk.is_last)
    elif chunk.is_last:
        _finish_message(session)
    elif flaw := session.transaction.check.flaw:
        session.drop()
        session.refuse(FLAW_REPLIES[flaw], marks.CONTENT_REFUSED)
    else:
        session.send(replies.CHUNK_TAKEN)


def _refuse_chunk(session: Session, refusal: Reply, is_last: bool) -> None:
    if refusal is replies.CHUNK_THROWN_AWAY:
        # No further error: it was on its way when an earlier one was refused.
        session.send(refusal)
    else:
        session.refuse(refusal)
    if is_last and session.state is State.SPOILT:
        session.end_transaction()


def _finish_message(session: Session) -> None:
    """All octets came: ask what becomes of the message, or say what is wrong with it."""
    check = session.transaction.check
    missing = check.finish()
    if missing:
        session.told.append(ContentGiven(missing))
    if check.flaw:
        session.drop()
        session.end_transaction()
        session.refuse(FLAW_REPLIES[check.flaw], marks.CONTENT_REFUSED)
    else:
        session.ask(_MESSAGE_GIVEN)
