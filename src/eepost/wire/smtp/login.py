# SPDX-License-Identifier: Apache-2.0
"""AUTH: from the command to the credentials (RFC 4954); whether they are right, the owner says.

Trust: anybody who can reach the port sends this.
"""

from collections.abc import Mapping
from typing import Final

from eepost.mail.reply import Reply
from eepost.wire.lines import BadLine
from eepost.wire.sasl import (
    MECHANISMS,
    Credentials,
    Fault,
    Mechanism,
    decode_base64,
    encode_base64,
)
from eepost.wire.smtp import marks, replies
from eepost.wire.smtp.events import AuthGiven
from eepost.wire.smtp.session import Session
from eepost.wire.smtp.states import Step

FAULT_REPLIES: Final[Mapping[Fault, Reply]] = {
    Fault.NOT_BASE64: replies.NOT_BASE64,
    Fault.MALFORMED: replies.MALFORMED_RESPONSE,
    Fault.FOREIGN_IDENTITY: replies.FOREIGN_IDENTITY,
}


def begin_login(session: Session, argument: str) -> None:
    """Obey AUTH with its mechanism and maybe a first response."""
    name, _, response = argument.partition(" ")
    make = MECHANISMS.get(name.upper())
    if make is None:
        session.refuse(replies.UNKNOWN_MECHANISM if name else replies.AUTH_SYNTAX)
        return
    session.advance(Step.AUTH_BEGUN)
    mechanism = session.mechanism = make()
    if response:
        # RFC 4954 4: "=" stands for a response that is empty.
        respond(session, mechanism, b"" if response == "=" else response.encode())
    else:
        _challenge(session, mechanism.challenge)


def respond(session: Session, mechanism: Mechanism, line: bytes) -> None:
    """Take the answer to a challenge."""
    if line == b"*":
        session.fail_login()
        session.refuse(replies.AUTH_CANCELLED)
        return
    response = decode_base64(line)
    answer = Fault.NOT_BASE64 if response is None else mechanism.respond(response)
    if isinstance(answer, Credentials):
        session.mechanism = None
        session.ask(AuthGiven(answer.login, answer.password))
    elif isinstance(answer, Fault):
        session.fail_login()
        session.refuse(FAULT_REPLIES[answer])
    else:
        _challenge(session, answer)


def refuse_response(session: Session, line: BadLine) -> None:
    """End the exchange: what came can't be an answer."""
    session.fail_login()
    if line is BadLine.TOO_LONG:
        session.refuse(replies.AUTH_LINE_TOO_LONG, marks.BAD_LINE)
    else:
        session.refuse(replies.BAD_LINES[line], marks.BAD_LINE)


def _challenge(session: Session, challenge: bytes) -> None:
    # Empty for PLAIN, which leaves "334 " with its space: some clients wait for just that.
    session.outgoing += b"334 %b\r\n" % encode_base64(challenge)
