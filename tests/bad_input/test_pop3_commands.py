# SPDX-License-Identifier: Apache-2.0
"""POP3 commands that are wrong, too long, out of order or no commands at all."""

import random
import re

import pytest

from tests.bad_input.aftermath import NOBODY, WRONG_PASSWORD, inbox, message, send
from tests.interop.raw import Line, PopSession
from tests.interop.running import Desk
from tests.office import PostOffice

STATUS = re.compile(rb"(\+OK|-ERR) [\x20-\x7e]+")
FAR = b"9" * 30

BEFORE_LOGIN = {
    "an unknown command": b"XYZZY %b" % NOBODY.encode(),
    "nothing": b"",
    "a NUL": b"QU\0IT",
    "PASS before USER": b"PASS %b" % WRONG_PASSWORD.encode(),
    "USER without a name": b"USER",
    "STAT before login": b"STAT",
    "RETR before login": b"RETR 1",
    "DELE before login": b"DELE 1",
    "APOP": b"APOP %b c4c9334bac560ecc979e58001b3e22fb" % NOBODY.encode(),
    "AUTH": b"AUTH PLAIN",
    "STLS": b"STLS",
    "a line of 100 kB": b"USER " + b"x" * 100_000,
    "a bare LF": b"CAPA\nCAPA",
    "a bare CR": b"CAPA\rCAPA",
    "QUIT with an argument": b"QUIT now",
}
AFTER_LOGIN = {
    "USER once more": b"USER %b" % NOBODY.encode(),
    "no number": b"RETR",
    "the number zero": b"RETR 0",
    "a negative number": b"RETR -1",
    "a number that is none": b"DELE one",
    "two numbers": b"DELE 1 1",
    "a far number": b"RETR 99999",
    "a number of thirty digits": b"RETR " + FAR,
    "digits of another script": "RETR ١".encode(),
    "TOP without lines": b"TOP 1",
    "TOP with negative lines": b"TOP 1 -1",
    "LIST of a message that is not there": b"LIST 2",
    "UIDL of a message that is not there": b"UIDL 2",
    "octets that are no text": b"\xff\xfe\xfd",
}


@pytest.mark.parametrize("said", BEFORE_LOGIN.values(), ids=BEFORE_LOGIN.keys())
def test_before_login_a_clear_no_and_the_session_goes_on(said: bytes, steady: PostOffice) -> None:
    with Line(steady.pop3_port) as line:
        assert line.hear().startswith(b"+OK ")
        line.say(said + b"\r\n")
        assert line.hear().startswith(b"-ERR ")
        line.say(b"USER x\r\n")
        assert line.hear().startswith(b"+OK ")


@pytest.mark.parametrize("said", AFTER_LOGIN.values(), ids=AFTER_LOGIN.keys())
def test_after_login_a_clear_no_and_nothing_is_lost(
    said: bytes, steady: PostOffice, sender: Desk, recipient: Desk
) -> None:
    assert send(sender, recipient, message(sender)).startswith(b"250 ")
    with PopSession(recipient) as pop:
        pop.say(said + b"\r\n")
        assert pop.hear().startswith(b"-ERR ")
        pop.command("NOOP")
    assert len(inbox(recipient)) == 1


def test_what_is_deleted_is_gone_for_the_session_and_back_after_rset(
    steady: PostOffice, sender: Desk, recipient: Desk
) -> None:
    send(sender, recipient, message(sender))
    with PopSession(recipient) as pop:
        pop.command("DELE 1")
        for command in (b"RETR 1", b"DELE 1", b"LIST 1", b"UIDL 1", b"TOP 1 0"):
            pop.say(command + b"\r\n")
            assert pop.hear() == b"-ERR no such message"
        pop.command("RSET")
        pop.command("LIST 1")
    assert len(inbox(recipient)) == 1


def test_too_many_wrong_commands_end_the_session_without_deleting(
    steady: PostOffice, sender: Desk, recipient: Desk
) -> None:
    send(sender, recipient, message(sender))
    pop = PopSession(recipient)
    pop.command("DELE 1")
    pop.say(b"XYZZY\r\n" * 500)
    answers = pop.rest().splitlines()
    pop.close()
    assert len(answers) == 20
    assert answers[-1] == b"-ERR too many errors"
    assert len(inbox(recipient)) == 1


@pytest.mark.parametrize("seed", range(8))
def test_noise_gets_well_formed_answers_or_the_end(seed: int, steady: PostOffice) -> None:
    noise = random.Random(seed).randbytes(100_000)
    with Line(steady.pop3_port) as line:
        line.say(noise + b"\r\nQUIT\r\n")
        answers = line.rest().splitlines()
    assert answers[-1] in {b"+OK bye", b"-ERR too many errors"}
    for answer in answers:
        assert STATUS.fullmatch(answer), answer


def test_noise_after_login_deletes_nothing(
    steady: PostOffice, sender: Desk, recipient: Desk
) -> None:
    send(sender, recipient, message(sender))
    pop = PopSession(recipient)
    pop.say(random.Random(7).randbytes(100_000) + b"\r\n")
    pop.say(b"QUIT\r\n")
    pop.rest()
    pop.close()
    assert len(inbox(recipient)) == 1
