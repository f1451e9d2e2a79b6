# SPDX-License-Identifier: Apache-2.0
"""The two kinds of service that the engine gives, each with what it offers and refuses.

*Submission* (RFC 6409) takes mail from users, who have to log in. A *mail exchanger* takes mail
from other servers: nobody logs in, TLS may be begun, and no reports are promised, since they would
tell the Internet which of its mail arrived where.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from eepost.mail.reply import Reply
from eepost.wire.smtp import replies
from eepost.wire.smtp.parameters import (
    DSN_MAIL_PARAMETERS,
    DSN_RCPT_PARAMETERS,
    MAIL_PARAMETERS,
    MailParameters,
    RcptParameters,
)
from eepost.wire.smtp.states import State

Refusals = Mapping[State, Mapping[bytes, Reply]]


@dataclass(frozen=True, slots=True)
class Service:
    """What is offered, and what is refused where; a verb that is not listed is legal."""

    needs_login: bool
    keywords: bytes  # lines of EHLO's answer besides the name and SIZE, but for the last
    help: Reply
    refusals: Refusals
    mail_parameters: Mapping[str, Callable[[MailParameters, str], bool]]
    rcpt_parameters: Mapping[str, Callable[[RcptParameters, str], bool]]
    secured: "Service | None" = None  # what takes its place when TLS stands, if TLS is offered


def _everywhere(always: Mapping[bytes, Reply], refusals: Refusals) -> Refusals:
    return {state: {**each, **always} for state, each in refusals.items()}


_BEFORE_EHLO: Final = dict.fromkeys(
    (b"AUTH", b"MAIL", b"RCPT", b"DATA", b"BDAT"), replies.EHLO_FIRST
)
# 530 for all of them: a client that pipelines shows its user only one of the replies.
_BEFORE_LOGIN: Final = dict.fromkeys((b"MAIL", b"RCPT", b"DATA", b"BDAT"), replies.AUTH_FIRST)
_NO_TRANSACTION: Final = dict.fromkeys((b"RCPT", b"DATA", b"BDAT"), replies.MAIL_FIRST)

_TRANSACTION: Final[Refusals] = {
    State.READY: _NO_TRANSACTION,
    State.MAIL: {b"MAIL": replies.NESTED_MAIL},
    State.RCPT: {b"MAIL": replies.NESTED_MAIL},
    State.CHUNKS: dict.fromkeys((b"MAIL", b"RCPT", b"DATA"), replies.CHUNKS_BEGUN),
    State.SPOILT: _NO_TRANSACTION | {b"BDAT": replies.CHUNK_THROWN_AWAY},
}
_UNANNOUNCED_TLS: Final = {b"STARTTLS": replies.NO_STARTTLS}
_AT_SUBMISSION: Final = _everywhere(
    _UNANNOUNCED_TLS,
    {State.GREETED: _BEFORE_EHLO, State.INTRODUCED: _BEFORE_LOGIN}
    | dict(_everywhere({b"AUTH": replies.LOGGED_IN_ALREADY}, _TRANSACTION)),
)

SUBMISSION: Final = Service(
    needs_login=True,
    keywords=(
        b"250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n"
        b"250-CHUNKING\r\n250 AUTH PLAIN LOGIN\r\n"
    ),
    help=replies.HELP,
    refusals=_AT_SUBMISSION,
    mail_parameters={**MAIL_PARAMETERS, **DSN_MAIL_PARAMETERS},
    rcpt_parameters=DSN_RCPT_PARAMETERS,
)

_NO_LOGIN: Final = {b"AUTH": replies.NO_AUTH}
_WITH_TLS: Final = _everywhere(
    _NO_LOGIN,
    {
        State.GREETED: _BEFORE_EHLO | {b"STARTTLS": replies.EHLO_FIRST},
        State.READY: _NO_TRANSACTION,
        **{
            state: {**_TRANSACTION[state], b"STARTTLS": replies.NESTED_MAIL}
            for state in (State.MAIL, State.RCPT, State.CHUNKS, State.SPOILT)
        },
    },
)
_WITHOUT_TLS: Final = _everywhere({b"STARTTLS": replies.NO_TLS_NOW}, _WITH_TLS)
_EXCHANGED: Final = b"250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n"


def exchanger(help_text: str, *, offers_tls: bool) -> Service:
    """Return the service of a mail exchanger; `help_text` is what HELP says, in printable ASCII."""
    plain = Service(
        needs_login=False,
        keywords=_EXCHANGED + b"250 CHUNKING\r\n",
        help=Reply(214, "2.0.0", help_text),
        refusals=_WITHOUT_TLS,
        mail_parameters=MAIL_PARAMETERS,
        rcpt_parameters={},
    )
    if not offers_tls:
        return plain
    return replace(
        plain,
        keywords=_EXCHANGED + b"250-CHUNKING\r\n250 STARTTLS\r\n",
        refusals=_WITH_TLS,
        secured=plain,
    )
