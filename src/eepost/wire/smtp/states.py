# SPDX-License-Identifier: Apache-2.0
"""The states of a submission session and the tables that say what is legal in each.

A `Session` alone moves between them, and only along TRANSITIONS.
"""

from collections.abc import Mapping
from enum import IntEnum, auto
from typing import Final

from eepost.mail.reply import Reply
from eepost.wire.smtp import replies


class State(IntEnum):
    """Where a session stands. IntEnum, since its members hash at once."""

    CONNECTED = auto()  # the owner has not said yet whether the peer is welcome
    GREETED = auto()
    INTRODUCED = auto()  # EHLO or HELO came
    AUTHENTICATING = auto()  # the next line answers a challenge
    LOGGED_IN = auto()
    MAIL = auto()  # a reverse-path was accepted
    RCPT = auto()  # and at least one recipient
    CHUNKS = auto()  # and part of the message by BDAT
    DATA = auto()  # the message is coming and will be passed on
    DRAINING = auto()  # the message is coming and was thrown away
    SPOILT = auto()  # a chunk was refused; those that follow are thrown away (RFC 3030 2)
    CLOSED = auto()


class Step(IntEnum):
    """What moves a session on."""

    GREETED = auto()
    INTRODUCED = auto()
    AUTH_BEGUN = auto()
    AUTH_FAILED = auto()
    AUTH_ACCEPTED = auto()
    MAIL_ACCEPTED = auto()
    RCPT_ACCEPTED = auto()
    DATA_BEGUN = auto()
    CHUNK_BEGUN = auto()
    CONTENT_REFUSED = auto()  # for a flaw that showed before the message ended
    TRANSACTION_ENDED = auto()  # whatever became of the message
    CLOSED = auto()


# States in which the owner holds an open transaction.
OPEN: Final = frozenset({State.MAIL, State.RCPT, State.CHUNKS, State.DATA})
# States in which nothing is under way.
IDLE: Final = frozenset(
    {State.GREETED, State.INTRODUCED, State.LOGGED_IN, State.SPOILT, State.CLOSED}
)

_COMMANDS_AFTER_LOGIN: Final = (State.LOGGED_IN, State.MAIL, State.RCPT, State.CHUNKS, State.SPOILT)
_BETWEEN_COMMANDS: Final = (State.GREETED, State.INTRODUCED, *_COMMANDS_AFTER_LOGIN)

TRANSITIONS: Final[Mapping[tuple[State, Step], State]] = {
    (State.CONNECTED, Step.GREETED): State.GREETED,
    (State.GREETED, Step.INTRODUCED): State.INTRODUCED,
    (State.INTRODUCED, Step.INTRODUCED): State.INTRODUCED,
    # RFC 5321 4.1.4: a second EHLO resets the transaction; the login stays.
    **{(state, Step.INTRODUCED): State.LOGGED_IN for state in _COMMANDS_AFTER_LOGIN},
    (State.INTRODUCED, Step.AUTH_BEGUN): State.AUTHENTICATING,
    (State.AUTHENTICATING, Step.AUTH_FAILED): State.INTRODUCED,
    (State.AUTHENTICATING, Step.AUTH_ACCEPTED): State.LOGGED_IN,
    (State.LOGGED_IN, Step.MAIL_ACCEPTED): State.MAIL,
    (State.SPOILT, Step.MAIL_ACCEPTED): State.MAIL,
    (State.MAIL, Step.RCPT_ACCEPTED): State.RCPT,
    (State.RCPT, Step.RCPT_ACCEPTED): State.RCPT,
    (State.RCPT, Step.DATA_BEGUN): State.DATA,
    (State.RCPT, Step.CHUNK_BEGUN): State.CHUNKS,
    (State.CHUNKS, Step.CHUNK_BEGUN): State.CHUNKS,
    (State.DATA, Step.CONTENT_REFUSED): State.DRAINING,
    (State.MAIL, Step.CONTENT_REFUSED): State.SPOILT,
    (State.CHUNKS, Step.CONTENT_REFUSED): State.SPOILT,
    (State.GREETED, Step.TRANSACTION_ENDED): State.GREETED,
    (State.INTRODUCED, Step.TRANSACTION_ENDED): State.INTRODUCED,
    **{(state, Step.TRANSACTION_ENDED): State.LOGGED_IN for state in _COMMANDS_AFTER_LOGIN},
    (State.DATA, Step.TRANSACTION_ENDED): State.LOGGED_IN,
    (State.DRAINING, Step.TRANSACTION_ENDED): State.LOGGED_IN,
    **{(state, Step.CLOSED): State.CLOSED for state in State},
}

_BEFORE_EHLO: Final = dict.fromkeys(
    (b"AUTH", b"MAIL", b"RCPT", b"DATA", b"BDAT"), replies.EHLO_FIRST
)
# 530 for all of them: a client that pipelines shows its user only one of the replies.
_BEFORE_LOGIN: Final = dict.fromkeys((b"MAIL", b"RCPT", b"DATA", b"BDAT"), replies.AUTH_FIRST)
_NO_AUTH: Final = {b"AUTH": replies.LOGGED_IN_ALREADY}
_NO_TRANSACTION: Final = dict.fromkeys((b"RCPT", b"DATA", b"BDAT"), replies.MAIL_FIRST)

# What is refused where; a verb that is not listed is legal.
REFUSALS: Final[Mapping[State, Mapping[bytes, Reply]]] = {
    State.GREETED: _BEFORE_EHLO,
    State.INTRODUCED: _BEFORE_LOGIN,
    State.LOGGED_IN: _NO_AUTH | _NO_TRANSACTION,
    State.MAIL: _NO_AUTH | {b"MAIL": replies.NESTED_MAIL},
    State.RCPT: _NO_AUTH | {b"MAIL": replies.NESTED_MAIL},
    State.CHUNKS: _NO_AUTH | dict.fromkeys((b"MAIL", b"RCPT", b"DATA"), replies.CHUNKS_BEGUN),
    State.SPOILT: _NO_AUTH | _NO_TRANSACTION | {b"BDAT": replies.CHUNK_THROWN_AWAY},
}
