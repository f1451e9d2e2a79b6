# SPDX-License-Identifier: Apache-2.0
"""The largest message there may be, and one octet more, by DATA and by BDAT."""

import pytest

from tests.interop.raw import PopSession, SmtpSession
from tests.interop.running import Desk

pytestmark = pytest.mark.interop

LIMIT = 10_485_760
# Odd, so that cuts fall inside lines, line ends and dots.
PIECE = 65_521
_LINE = b".a line that begins with a dot, and another thing: %07d\r\n"


def _largest(desk: Desk) -> bytes:
    head = b"From: %b\r\nSubject: large\r\n\r\n" % desk.address.encode()
    lines = b"".join(_LINE % n for n in range((LIMIT - len(head)) // len(_LINE % 0)))
    rest = LIMIT - len(head) - len(lines)
    last = b"x" * (rest - 2) + b"\r\n" if rest > 1 else b""
    message = head + lines + last
    assert len(message) == LIMIT
    return message


def _body(message: bytes) -> bytes:
    return message.partition(b"\r\n\r\n")[2]


def _received(desk: Desk) -> bytes:
    with PopSession(desk) as pop:
        [message] = pop.messages()
    return message


def test_a_message_at_the_limit_goes_by_data(alice: Desk, bob: Desk) -> None:
    message = _largest(alice)
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    with SmtpSession(alice) as line:
        line.open(alice, bob.address)
        assert line.ask(b"DATA").startswith(b"354 ")
        for at in range(0, len(stuffed), PIECE):
            line.say(stuffed[at : at + PIECE])
        assert line.ask(b".").startswith(b"250 ")
    assert _body(_received(bob)) == _body(message)


def test_a_message_at_the_limit_goes_by_bdat(alice: Desk, bob: Desk) -> None:
    message = _largest(alice)
    with SmtpSession(alice) as line:
        line.open(alice, bob.address)
        for at in range(0, len(message), PIECE):
            chunk = message[at : at + PIECE]
            line.say(b"BDAT %d\r\n%b" % (len(chunk), chunk))
        assert line.ask(b"BDAT 0 LAST").startswith(b"250 ")
        for _ in range(0, len(message), PIECE):
            assert line.reply().startswith(b"250 ")
    assert _body(_received(bob)) == _body(message)


def test_one_octet_more_is_refused_by_data(alice: Desk, bob: Desk) -> None:
    message = _largest(alice)[:-2] + b"y\r\n"
    with SmtpSession(alice) as line:
        line.open(alice, bob.address)
        assert line.ask(b"DATA").startswith(b"354 ")
        line.say(message.replace(b"\r\n.", b"\r\n.."))
        assert line.ask(b".") == b"552 5.3.4 The message is larger than SIZE allows"
        line.open(alice, bob.address)  # the session goes on
    with PopSession(bob) as pop:
        assert pop.messages() == []


def test_one_octet_more_is_refused_by_bdat(alice: Desk, bob: Desk) -> None:
    message = _largest(alice)[:-2] + b"y\r\n"
    with SmtpSession(alice) as line:
        line.open(alice, bob.address)
        line.say(b"BDAT %d LAST\r\n%b" % (len(message), message))
        assert line.reply() == b"552 5.3.4 The message is larger than SIZE allows"
        line.ask(b"RSET")
        line.open(alice, bob.address)
    with PopSession(bob) as pop:
        assert pop.messages() == []
