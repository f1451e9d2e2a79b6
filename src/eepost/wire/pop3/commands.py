# SPDX-License-Identifier: Apache-2.0
"""What each POP3 command does (RFC 1939 4 to 7, RFC 2449 5), and which are legal when.

A command takes the session and its argument, and answers; or it returns the event that the owner
must decide before there is an answer.

Trust: arguments come from anybody; after login from anybody who has an account.
"""

from collections.abc import Callable, Mapping
from typing import Final

from eepost.wire.lines import BadLine
from eepost.wire.pop3 import replies
from eepost.wire.pop3.events import Event, LoginGiven, MessageWanted, RefreshGiven, UpdateGiven
from eepost.wire.pop3.session import Session

_NUMBER_DIGITS = 10  # nothing that is counted here needs more, and int() stays cheap
_REFRESH_GIVEN: Final = RefreshGiven()


def obey(session: Session, line: bytes | BadLine) -> Event | None:
    """Carry out one command line. Verbs may be written in any case."""
    if isinstance(line, BadLine):
        session.mistake(replies.BAD_LINES[line])
        return None
    verb, _, argument = line.partition(b" ")
    verbs = _TRANSACTION if session.is_admitted else _AUTHORIZATION
    return verbs.get(verb.upper(), _unknown)(session, argument)


def _unknown(session: Session, _argument: bytes) -> None:
    session.mistake(replies.UNKNOWN_COMMAND)


def _browse(session: Session, _argument: bytes) -> None:
    # A web page can make a browser send a form with commands in it to this port.
    session.send(replies.NOT_THE_WEB)
    session.close()


def _misplaced(session: Session, _argument: bytes) -> None:
    session.mistake(replies.NOT_NOW)


def _not_offered(session: Session, _argument: bytes) -> None:
    session.mistake(replies.USER_AND_PASS_ONLY)


def _capa(session: Session, argument: bytes) -> None:
    if _is_absent(session, argument):
        session.send(replies.capabilities(session.expire_days))


def _user(session: Session, argument: bytes) -> None:
    session.login = argument.strip() or None
    if session.login is None:
        session.mistake(replies.NO_ARGUMENT)
    else:
        session.send(replies.USER_TAKEN)


def _pass(session: Session, argument: bytes) -> Event | None:
    """The password is all that follows one space: it may hold spaces itself (RFC 1939 7)."""
    login, session.login = session.login, None  # after a failure it begins with USER again
    if login is None or not argument:
        session.mistake(replies.NO_ARGUMENT if login else replies.USER_FIRST)
        return None
    try:
        return LoginGiven(login.decode(), argument.decode())
    except UnicodeDecodeError:
        session.deny(replies.WRONG_CREDENTIALS)
        return None


def _stat(session: Session, argument: bytes) -> Event | None:
    return _REFRESH_GIVEN if _is_absent(session, argument) else None


def _list(session: Session, argument: bytes) -> None:
    listing = session.listing
    if not argument:
        first = b"+OK %d messages (%d octets)\r\n" % (listing.count, listing.octets)
        session.send(b"%b%b.\r\n" % (first, listing.sizes()))
    elif (index := _index(session, argument)) is not None:
        session.send(b"+OK %d %d\r\n" % (index + 1, listing.entry(index).size_octets))


def _uidl(session: Session, argument: bytes) -> None:
    listing = session.listing
    if not argument:
        session.send(b"%b%b.\r\n" % (replies.UNIQUE_IDS_FOLLOW, listing.unique_ids()))
    elif (index := _index(session, argument)) is not None:
        unique_id = listing.entry(index).unique_id.encode("ascii")
        session.send(b"+OK %d %b\r\n" % (index + 1, unique_id))


def _retr(session: Session, argument: bytes) -> Event | None:
    index = _index(session, argument)
    return None if index is None else MessageWanted(index, session.listing.entry(index), None)


def _top(session: Session, argument: bytes) -> Event | None:
    number, _, count = argument.strip().partition(b" ")
    body_lines = _number(count)
    if body_lines is None:
        session.mistake(replies.BAD_TOP)
        return None
    index = _index(session, number)
    return None if index is None else MessageWanted(index, session.listing.entry(index), body_lines)


def _dele(session: Session, argument: bytes) -> None:
    index = _index(session, argument)
    if index is not None:
        session.listing.delete(index)
        session.send(replies.DELETED)


def _rset(session: Session, argument: bytes) -> None:
    if _is_absent(session, argument):
        session.listing.undelete()
        session.send(replies.UNDELETED)


def _noop(session: Session, argument: bytes) -> None:
    if _is_absent(session, argument):
        session.send(replies.NOTHING_DONE)


def _quit(session: Session, argument: bytes) -> Event | None:
    if not _is_absent(session, argument):
        return None
    deleted = session.listing.deleted
    if deleted:
        return UpdateGiven(deleted)
    session.send(replies.BYE)
    session.close()
    return None


def _is_absent(session: Session, argument: bytes) -> bool:
    if argument.strip():
        session.mistake(replies.NEEDLESS_ARGUMENT)
        return False
    return True


def _index(session: Session, argument: bytes) -> int | None:
    """Return the index behind a message number, or answer that there is none.

    A number without message is no mistake: clients ask for what another session deleted.
    """
    number = _number(argument)
    if number is None:
        session.mistake(replies.BAD_NUMBER)
        return None
    index = session.listing.index_of(number)
    if index is None:
        session.send(replies.NO_SUCH_MESSAGE)
    return index


def _number(text: bytes) -> int | None:
    """Return the decimal number, None if it is anything else or too long."""
    digits = text.strip()
    return int(digits) if digits.isdigit() and len(digits) <= _NUMBER_DIGITS else None


_Command = Callable[[Session, bytes], Event | None]

_BEFORE_LOGIN: Final[Mapping[bytes, _Command]] = {
    b"CAPA": _capa,
    b"USER": _user,
    b"PASS": _pass,
    b"APOP": _not_offered,
    b"AUTH": _not_offered,
    b"STLS": _not_offered,
    b"QUIT": _quit,
    **dict.fromkeys((b"GET", b"HEAD", b"POST", b"PUT", b"OPTIONS", b"CONNECT"), _browse),
}
_AFTER_LOGIN: Final[Mapping[bytes, _Command]] = {
    b"CAPA": _capa,
    b"STAT": _stat,
    b"LIST": _list,
    b"UIDL": _uidl,
    b"RETR": _retr,
    b"TOP": _top,
    b"DELE": _dele,
    b"RSET": _rset,
    b"NOOP": _noop,
    b"QUIT": _quit,
}
_AUTHORIZATION: Final = {**dict.fromkeys(_AFTER_LOGIN, _misplaced), **_BEFORE_LOGIN}
_TRANSACTION: Final = {**dict.fromkeys(_BEFORE_LOGIN, _misplaced), **_AFTER_LOGIN}
