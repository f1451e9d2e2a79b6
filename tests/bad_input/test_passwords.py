# SPDX-License-Identifier: Apache-2.0
"""Guessed passwords: slowed, never rewarded, and no way to lock the owner out."""

import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

import pytest

from eepost.services.mta.replies import WRONG_CREDENTIALS as WRONG_AT_SUBMISSION
from eepost.services.pop.refusals import LOGIN_BUSY, WRONG_CREDENTIALS
from eepost.wire.pop3.events import Refused
from tests.bad_input.aftermath import (
    NOBODY,
    SENDER,
    WRONG_PASSWORD,
    assert_goes_on,
    inbox,
    settle,
)
from tests.bad_input.conftest import OpenOffice
from tests.interop.raw import Line
from tests.interop.running import Desk
from tests.office import PASSWORD, PostOffice

# Peers as the router shows them: an address of 127.0.0.0/8 for each destination.
OWNER = "127.1.2.3"
GUESSER = "127.9.9.9"
# A login on a busy machine takes less, the second wait for a wrong password is longer.
NO_WAIT_SECONDS = 0.8


@pytest.fixture
def forgetful(open_office: OpenOffice) -> PostOffice:
    """A post office that remembers no right password, so that each login is checked anew."""
    return open_office({"login": {"remembered_seconds": 0}})


def _log_in(desk: Desk, password: str, peer: str = "127.0.0.1") -> bytes:
    with Line(desk.pop3_port, source=peer) as line:
        line.hear()
        line.say(f"USER {desk.account}\r\nPASS {password}\r\n".encode())
        line.hear()
        return line.hear()


def _submit_login(desk: Desk, password: str, peer: str) -> bytes:
    with Line(desk.smtp_port, source=peer) as line:
        line.reply()
        line.ask(b"EHLO x")
        return line.ask(b"AUTH PLAIN " + b64encode(f"\0{desk.account}\0{password}".encode()))


def _said(refused: Refused) -> bytes:
    assert refused.code is not None
    return f"[{refused.code.value}] {refused.text}".encode()


def _seconds(desk: Desk, password: str, peer: str) -> float:
    begun = time.monotonic()
    _log_in(desk, password, peer)
    return time.monotonic() - begun


def test_guesses_get_slower_and_the_owner_still_gets_in(forgetful: PostOffice) -> None:
    desk = settle(forgetful, SENDER)
    assert _log_in(desk, PASSWORD, OWNER).startswith(b"+OK ")
    taken = [_seconds(desk, WRONG_PASSWORD, GUESSER) for _ in range(6)]
    assert max(taken[:3]) < NO_WAIT_SECONDS, "typing errors cost nothing"
    assert taken[5] > taken[4] > NO_WAIT_SECONDS
    # From where the owner has been before there is no wait; from elsewhere one of seconds.
    begun = time.monotonic()
    assert _log_in(desk, PASSWORD, OWNER).startswith(b"+OK ")
    assert time.monotonic() - begun < NO_WAIT_SECONDS
    assert _log_in(desk, PASSWORD, "127.5.5.5").startswith(b"+OK ")
    assert_goes_on(forgetful)


def test_a_flood_of_guesses_is_told_to_come_back_and_never_that_it_was_right(
    forgetful: PostOffice,
) -> None:
    desk = settle(forgetful, SENDER)
    assert _log_in(desk, PASSWORD, OWNER).startswith(b"+OK ")
    with ThreadPoolExecutor(40) as pool:
        guesses = [pool.submit(_log_in, desk, f"{WRONG_PASSWORD}{n}", GUESSER) for n in range(40)]
        answers = {guess.result() for guess in guesses}
    wrong, busy = (b"-ERR " + _said(each) for each in (WRONG_CREDENTIALS, LOGIN_BUSY))
    assert answers == {wrong, busy}
    assert _log_in(desk, PASSWORD, OWNER).startswith(b"+OK ")
    assert_goes_on(forgetful)


def test_an_unknown_name_is_answered_like_a_wrong_password(
    steady: PostOffice, sender: Desk
) -> None:
    nobody = Desk(sender.home, sender.smtp_port, sender.pop3_port, NOBODY)
    assert _log_in(nobody, PASSWORD) == _log_in(sender, WRONG_PASSWORD)
    replies = {_submit_login(desk, WRONG_PASSWORD, OWNER) for desk in (nobody, sender)}
    assert replies == {b"535 5.7.8 " + WRONG_AT_SUBMISSION.text.encode()}


def test_three_wrong_passwords_end_a_session(steady: PostOffice, sender: Desk) -> None:
    with Line(steady.pop3_port) as line:
        line.hear()
        for _ in range(3):
            line.say(f"USER {sender.account}\r\nPASS {WRONG_PASSWORD}\r\n".encode())
            assert line.hear().startswith(b"+OK ")
            assert line.hear().startswith(b"-ERR [AUTH] ")
        assert line.rest() == b""


@pytest.mark.parametrize("password", ["", " ", "x" * 200, "é" * 20, "%s%n", "a\tb", f"{PASSWORD} "])
def test_odd_passwords_are_only_wrong(password: str, steady: PostOffice, sender: Desk) -> None:
    assert _log_in(sender, password).startswith(b"-ERR ")
    assert inbox(sender) == []
