# SPDX-License-Identifier: Apache-2.0
"""The parameters of MAIL and RCPT: SIZE, BODY, SMTPUTF8, AUTH and those of DSN.

Trust: a logged-in user's mail program, or any server on the Internet, sends this.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from eepost.mail.envelope import DEFAULT_NOTIFY, Notify, Return
from eepost.mail.reply import Reply
from eepost.wire.smtp import replies

T = TypeVar("T")

# RFC 5321 4.1.2, with what RFC 6531 3.3 adds to values.
_PARAMETER: Final = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9\-]*)(?:=([!-<>-~\u0080-\U0010ffff]+))?", re.ASCII
)
_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")  # RFC 3461 4
_HEX_PAIR: Final = re.compile(r"\+([0-9A-F]{2})")
_ADDRESS_TYPE: Final = re.compile(r"[A-Za-z0-9\-]+")
_SIZE_DIGITS: Final = 20  # RFC 1870 3
_ENVID_OCTETS: Final = 100  # RFC 3461 4.4
_ORCPT_OCTETS: Final = 500  # RFC 3461 4.2


@dataclass(slots=True)
class MailParameters:
    """What stood behind the reverse-path."""

    size_octets: int | None = None
    is_utf8: bool = False
    returns: Return = Return.HEADERS
    envelope_id: str | None = None


@dataclass(slots=True)
class RcptParameters:
    """What stood behind the forward-path."""

    notify: Notify = DEFAULT_NOTIFY


def read_parameters(
    text: str, known: Mapping[str, Callable[[T, str], bool]], into: T
) -> Reply | None:
    """Set in `into` what `text` says; return the refusal if there is anything wrong with it."""
    seen: set[str] = set()
    for word in text.split(" "):
        if not word:
            continue  # two spaces between them harm nobody
        match = _PARAMETER.fullmatch(word)
        if match is None:
            return replies.BAD_PARAMETER
        keyword = match[1].upper()
        read = known.get(keyword)
        if read is None:
            return replies.UNKNOWN_PARAMETER
        if keyword in seen or not read(into, match[2] or ""):
            return replies.BAD_PARAMETER
        seen.add(keyword)
    return None


def _size(into: MailParameters, value: str) -> bool:
    if not (value.isascii() and value.isdigit() and len(value) <= _SIZE_DIGITS):
        return False
    into.size_octets = int(value)
    return True


def _body(_into: MailParameters, value: str) -> bool:
    return value.upper() in ("7BIT", "8BITMIME")  # both pass: a maildrop holds either


def _smtputf8(into: MailParameters, value: str) -> bool:
    into.is_utf8 = True
    return not value


def _auth(_into: MailParameters, value: str) -> bool:
    # RFC 4954 5: who wrote it, according to the client; it is trusted with its own login only.
    return decode_xtext(value) is not None and bool(value)


def _ret(into: MailParameters, value: str) -> bool:
    try:
        into.returns = Return(value.upper())
    except ValueError:
        return False
    return True


def _envid(into: MailParameters, value: str) -> bool:
    into.envelope_id = decode_xtext(value)
    return bool(into.envelope_id) and len(value) <= _ENVID_OCTETS


_NOTIFY: Final = {
    "SUCCESS": Notify.SUCCESS,
    "FAILURE": Notify.FAILURE,
    "DELAY": Notify.DELAY,
}


def _notify(into: RcptParameters, value: str) -> bool:
    into.notify = Notify.NEVER
    words = value.upper().split(",")
    if words == ["NEVER"]:
        return True
    for word in words:  # RFC 3461 4.1: NEVER stands alone
        if word not in _NOTIFY:
            return False
        into.notify |= _NOTIFY[word]
    return True


def _orcpt(_into: RcptParameters, value: str) -> bool:
    kind, semicolon, address = value.partition(";")
    if not semicolon or not address or len(value) > _ORCPT_OCTETS:
        return False
    if kind.lower() == "utf-8":  # RFC 6533 3: may be written in UTF-8 itself
        return True
    return bool(_ADDRESS_TYPE.fullmatch(kind)) and decode_xtext(address) is not None


def decode_xtext(text: str) -> str | None:
    """Return what `text` says, None unless it is xtext for printable ASCII (RFC 3461 4)."""
    if not _XTEXT.fullmatch(text):
        return None
    decoded = _HEX_PAIR.sub(lambda pair: chr(int(pair[1], 16)), text)
    return decoded if decoded.isascii() and decoded.isprintable() else None


MAIL_PARAMETERS: Final[Mapping[str, Callable[[MailParameters, str], bool]]] = {
    "SIZE": _size,
    "BODY": _body,
    "SMTPUTF8": _smtputf8,
    "AUTH": _auth,
}
DSN_MAIL_PARAMETERS: Final[Mapping[str, Callable[[MailParameters, str], bool]]] = {
    "RET": _ret,
    "ENVID": _envid,
}
DSN_RCPT_PARAMETERS: Final[Mapping[str, Callable[[RcptParameters, str], bool]]] = {
    "NOTIFY": _notify,
    "ORCPT": _orcpt,
}
