# SPDX-License-Identifier: Apache-2.0
"""What each command does (RFC 5321 4.1.1). A command takes the session and its argument.

Trust: commands come from anybody; those of a transaction, at submission, from anybody who has an
account.
"""

from collections.abc import Callable, Mapping
from typing import Final

from eepost.mail.reply import Reply
from eepost.wire.lines import BadLine
from eepost.wire.smtp import marks, replies
from eepost.wire.smtp.arguments import parse_bdat, parse_mail, parse_rcpt
from eepost.wire.smtp.events import Introduced, MailGiven, RcptGiven
from eepost.wire.smtp.intake import begin_chunk, begin_data
from eepost.wire.smtp.login import begin_login, refuse_response, respond
from eepost.wire.smtp.session import Session
from eepost.wire.smtp.states import State, Step


def read_line(session: Session) -> bool:
    """Obey one line, or take it for an answer to AUTH; False if none is complete."""
    lines, limits = session.lines, session.limits
    if not lines:
        return False
    is_auth = session.state <= State.AUTHENTICATING and (
        session.mechanism is not None or lines.begins_with(b"AUTH ")
    )
    line = lines.take_line(limits.auth_line_octets if is_auth else limits.command_line_octets)
    if line is None:
        return False
    if session.mechanism is None:
        _obey(session, line, replies.AUTH_LINE_TOO_LONG if is_auth else replies.LINE_TOO_LONG)
    elif isinstance(line, BadLine):
        refuse_response(session, line)
    else:
        respond(session, session.mechanism, line)
    return True


def _obey(session: Session, line: bytes | BadLine, too_long: Reply) -> None:
    if not session.count_command():
        return
    if isinstance(line, BadLine):
        is_long = line is BadLine.TOO_LONG
        session.refuse(too_long if is_long else replies.BARE_CR_OR_LF, marks.BAD_LINE)
        return
    # Octets, not text: beyond ASCII there are letters whose capital is an ASCII letter.
    verb = line.partition(b" ")[0].upper()
    command = _COMMANDS.get(verb, _unknown)
    refusal = session.service.refusals[session.state].get(verb)
    try:
        argument = line.decode().partition(" ")[2].strip(" \t")
    except UnicodeDecodeError:
        refusal, argument = replies.NOT_UTF8, ""
    if refusal is None or command is _bdat:  # which decides by itself, for the chunk behind it
        command(session, argument)
    else:
        session.refuse(refusal)


def _unknown(session: Session, _argument: str) -> None:
    session.refuse(replies.UNKNOWN_COMMAND)


def _browse(session: Session, _argument: str) -> None:
    # A web page can make a browser send a form with commands in it to this port.
    session.hang_up(replies.NOT_THE_WEB)


def _ehlo(session: Session, argument: str) -> None:
    if _introduce(session, argument):
        session.outgoing += replies.ehlo(
            session.name, session.limits.message_octets, session.service.keywords
        )


def _helo(session: Session, argument: str) -> None:
    if _introduce(session, argument):
        session.outgoing += replies.helo(session.name)


def _introduce(session: Session, argument: str) -> bool:
    if not argument:
        session.refuse(replies.NO_EHLO_NAME)
        return False
    session.drop()
    session.advance(Step.INTRODUCED)
    if not session.service.needs_login:
        session.told.append(Introduced(argument))
        if session.state is State.INTRODUCED:
            session.advance(Step.AUTH_NOT_NEEDED)
    return True


def _mail(session: Session, argument: str) -> None:
    limits = session.limits
    if session.messages >= limits.messages:
        session.hang_up(replies.TOO_MANY_MESSAGES)
        return
    reverse_path = parse_mail(argument, limits.message_octets, session.service)
    if isinstance(reverse_path, Reply):
        session.refuse(reverse_path)
    else:
        session.ask(MailGiven(reverse_path))


def _rcpt(session: Session, argument: str) -> None:
    transaction = session.transaction
    recipient = parse_rcpt(argument, transaction.is_utf8, session.service)
    if isinstance(recipient, Reply):
        transaction.note_refused(recipient)
        session.refuse(recipient)
    elif transaction.recipients >= session.limits.recipients:
        # Not an error of the client's: RFC 5321 4.5.3.1.10 lets it send the rest later.
        transaction.note_refused(replies.TOO_MANY_RECIPIENTS, recipient.address)
        session.send(replies.TOO_MANY_RECIPIENTS)
        session.told.append(marks.LIMIT_REACHED)
    else:
        session.ask(RcptGiven(recipient))


def _data(session: Session, argument: str) -> None:
    transaction = session.transaction
    if argument:
        session.refuse(replies.NEEDLESS_ARGUMENT)
    elif transaction.recipients:
        begin_data(session)
    else:
        session.refuse(transaction.refusal())


def _bdat(session: Session, argument: str) -> None:
    chunk = parse_bdat(argument)
    if chunk is None:
        session.hang_up(replies.BDAT_SYNTAX)
    else:
        begin_chunk(session, *chunk)


def _rset(session: Session, _argument: str) -> None:
    session.drop()
    session.end_transaction()
    session.send(replies.RESET)


def _noop(session: Session, _argument: str) -> None:
    session.send(replies.OK)


def _help(session: Session, _argument: str) -> None:
    session.send(session.service.help)


def _vrfy(session: Session, argument: str) -> None:
    if argument:
        session.send(replies.VRFY_NEUTRAL)
    else:
        session.refuse(replies.ARGUMENT_MISSING)


def _expn(session: Session, _argument: str) -> None:
    session.refuse(replies.NO_EXPN)


def _starttls(session: Session, argument: str) -> None:
    if argument:
        session.refuse(replies.NEEDLESS_ARGUMENT)
    else:
        session.send(replies.TLS_READY)
        session.advance(Step.TLS_BEGUN)


def _quit(session: Session, argument: str) -> None:
    if argument:
        session.refuse(replies.NEEDLESS_ARGUMENT)
    else:
        session.send(replies.BYE)
        session.close()


_COMMANDS: Final[Mapping[bytes, Callable[[Session, str], None]]] = {
    b"EHLO": _ehlo,
    b"HELO": _helo,
    b"AUTH": begin_login,
    b"MAIL": _mail,
    b"RCPT": _rcpt,
    b"DATA": _data,
    b"BDAT": _bdat,
    b"RSET": _rset,
    b"NOOP": _noop,
    b"HELP": _help,
    b"VRFY": _vrfy,
    b"EXPN": _expn,
    b"STARTTLS": _starttls,
    b"QUIT": _quit,
    **dict.fromkeys((b"GET", b"HEAD", b"POST", b"PUT", b"OPTIONS", b"CONNECT"), _browse),
}
