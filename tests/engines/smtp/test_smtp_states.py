# SPDX-License-Identifier: Apache-2.0
"""What each command gets in each state, and that the tables hang together."""

import pytest

from eepost.mail.violation import Misuse
from eepost.wire.smtp.limits import SmtpLimits
from eepost.wire.smtp.service import SUBMISSION, exchanger
from eepost.wire.smtp.session import Session
from eepost.wire.smtp.states import OPEN, TRANSITIONS, State, Step
from tests.engines.smtp.owner import FakeOwner, connected, say
from tests.engines.smtp.sessions import LOG_IN, read_replies

MAIL = b"MAIL FROM:<alice@mail.i2p>\r\n"
RCPT = b"RCPT TO:<bob@mail.i2p>\r\n"
CHUNK = b"BDAT 2\r\n\r\n"
REACH = {
    State.GREETED: b"",
    State.INTRODUCED: b"EHLO x\r\n",
    State.READY: LOG_IN,
    State.MAIL: LOG_IN + MAIL,
    State.RCPT: LOG_IN + MAIL + RCPT,
    State.CHUNKS: LOG_IN + MAIL + RCPT + CHUNK,
    State.SPOILT: LOG_IN + MAIL + RCPT + b"BDAT 1\r\n\n",
}
COMMANDS = {
    "EHLO": b"EHLO x\r\n",
    "HELO": b"HELO x\r\n",
    "AUTH": b"AUTH LOGIN\r\n",
    "MAIL": MAIL,
    "RCPT": RCPT,
    "DATA": b"DATA\r\n",
    "BDAT": CHUNK,
    "RSET": b"RSET\r\n",
    "NOOP": b"NOOP\r\n",
    "VRFY": b"VRFY x\r\n",
    "QUIT": b"QUIT\r\n",
}
EXPECTED = """
             EHLO HELO AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY QUIT
GREETED      250  250  503  503  503  503  503  250  250  252  221
INTRODUCED   250  250  334  530  530  530  530  250  250  252  221
READY        250  250  503  250  503  503  503  250  250  252  221
MAIL         250  250  503  503  250  503  503  250  250  252  221
RCPT         250  250  503  503  250  354  250  250  250  252  221
CHUNKS       250  250  503  503  503  503  250  250  250  252  221
SPOILT       250  250  503  250  503  503  503  250  250  252  221
"""
_HEADER, *_ROWS = EXPECTED.strip().splitlines()
CASES = [
    (State[row.split()[0]], verb, int(code))
    for row in _ROWS
    for verb, code in zip(_HEADER.split(), row.split()[1:], strict=True)
]


@pytest.mark.parametrize(("state", "verb", "code"), CASES)
def test_command_gets_its_code_in_each_state(state: State, verb: str, code: int) -> None:
    owner = FakeOwner()
    server = connected(owner)
    say(server, owner, REACH[state])
    assert read_replies(say(server, owner, COMMANDS[verb])) == [code]


def test_every_state_can_be_reached() -> None:
    reached = {State.CONNECTED}
    for _ in State:
        reached |= {after for (before, _), after in TRANSITIONS.items() if before in reached}
    assert reached == set(State)


def test_closing_is_possible_everywhere_and_final() -> None:
    assert all(TRANSITIONS[state, Step.CLOSED] is State.CLOSED for state in State)
    assert {after for (before, _), after in TRANSITIONS.items() if before is State.CLOSED} == {
        State.CLOSED
    }


def test_every_state_that_takes_commands_has_its_refusals() -> None:
    assert set(SUBMISSION.refusals) == set(REACH)
    for offers_tls in (True, False):
        refusals = exchanger("help", offers_tls=offers_tls).refusals
        assert set(refusals) == set(REACH) - {State.INTRODUCED}


def test_asking_for_a_transaction_where_none_is_open_is_misuse() -> None:
    with pytest.raises(Misuse):
        _ = Session(SmtpLimits(), "mail.i2p", SUBMISSION).transaction


def test_nothing_before_login_leads_into_a_transaction() -> None:
    before_login = {State.CONNECTED, State.GREETED, State.INTRODUCED, State.AUTHENTICATING}
    leading_in = {
        step
        for (state, step), after in TRANSITIONS.items()
        if state in before_login and after not in before_login | {State.CLOSED}
    }
    assert leading_in == {Step.AUTH_ACCEPTED, Step.AUTH_NOT_NEEDED}


def test_an_open_transaction_begins_with_mail_only() -> None:
    opening = {
        step
        for (before, step), after in TRANSITIONS.items()
        if before not in OPEN and after in OPEN
    }
    assert opening == {Step.MAIL_ACCEPTED}
