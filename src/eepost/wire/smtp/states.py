# SPDX-License-Identifier: Apache-2.0
"""The states of a session and the table of the ways between them.

A `Session` alone moves along these ways. What is legal where, `service` says.
"""

from collections.abc import Mapping
from enum import IntEnum, auto
from typing import Final


class State(IntEnum):
    """Where a session stands. IntEnum, since its members hash at once."""

    CONNECTED = auto()  # the owner has not said yet whether the peer is welcome
    GREETED = auto()
    INTRODUCED = auto()  # EHLO or HELO came
    AUTHENTICATING = auto()  # the next line answers a challenge
    READY = auto()  # for a transaction: logged in, or introduced where nobody has to log in
    MAIL = auto()  # a reverse-path was accepted
    RCPT = auto()  # and at least one recipient
    CHUNKS = auto()  # and part of the message by BDAT
    DATA = auto()  # the message is coming and will be passed on
    DRAINING = auto()  # the message is coming and was thrown away
    SPOILT = auto()  # a chunk was refused; those that follow are thrown away (RFC 3030 2)
    SECURING = auto()  # STARTTLS was accepted; nothing is read before TLS stands
    CLOSED = auto()


class Step(IntEnum):
    """What moves a session on."""

    GREETED = auto()
    INTRODUCED = auto()
    AUTH_BEGUN = auto()
    AUTH_FAILED = auto()
    AUTH_ACCEPTED = auto()
    AUTH_NOT_NEEDED = auto()
    MAIL_ACCEPTED = auto()
    RCPT_ACCEPTED = auto()
    DATA_BEGUN = auto()
    CHUNK_BEGUN = auto()
    CONTENT_REFUSED = auto()  # for a flaw that showed before the message ended
    TRANSACTION_ENDED = auto()  # whatever became of the message
    TLS_BEGUN = auto()
    TLS_STANDS = auto()
    CLOSED = auto()


# States in which the owner holds an open transaction.
OPEN: Final = frozenset({State.MAIL, State.RCPT, State.CHUNKS, State.DATA})
# States in which nothing is under way.
IDLE: Final = frozenset({State.GREETED, State.INTRODUCED, State.READY, State.SPOILT, State.CLOSED})

_READY_OR_BEYOND: Final = (State.READY, State.MAIL, State.RCPT, State.CHUNKS, State.SPOILT)
_BETWEEN_COMMANDS: Final = (State.GREETED, State.INTRODUCED, *_READY_OR_BEYOND)

TRANSITIONS: Final[Mapping[tuple[State, Step], State]] = {
    (State.CONNECTED, Step.GREETED): State.GREETED,
    (State.GREETED, Step.INTRODUCED): State.INTRODUCED,
    (State.INTRODUCED, Step.INTRODUCED): State.INTRODUCED,
    # RFC 5321 4.1.4: a second EHLO resets the transaction; the login stays.
    **{(state, Step.INTRODUCED): State.READY for state in _READY_OR_BEYOND},
    (State.INTRODUCED, Step.AUTH_NOT_NEEDED): State.READY,
    (State.INTRODUCED, Step.AUTH_BEGUN): State.AUTHENTICATING,
    (State.AUTHENTICATING, Step.AUTH_FAILED): State.INTRODUCED,
    (State.AUTHENTICATING, Step.AUTH_ACCEPTED): State.READY,
    (State.READY, Step.MAIL_ACCEPTED): State.MAIL,
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
    **{(state, Step.TRANSACTION_ENDED): State.READY for state in _READY_OR_BEYOND},
    (State.DATA, Step.TRANSACTION_ENDED): State.READY,
    (State.DRAINING, Step.TRANSACTION_ENDED): State.READY,
    # RFC 3207 4.2: what was said before TLS counts for nothing after it.
    (State.READY, Step.TLS_BEGUN): State.SECURING,
    (State.SECURING, Step.TLS_STANDS): State.GREETED,
    **{(state, Step.CLOSED): State.CLOSED for state in State},
}
