# SPDX-License-Identifier: Apache-2.0
"""Messages that are smuggled, forged, too large or never finished: refused, nothing delivered."""

import pytest

from tests.bad_input.aftermath import BODY, NOBODY, SUBJECT, inbox, message, send
from tests.interop.raw import SmtpSession
from tests.interop.running import Desk
from tests.office import PostOffice

# Ends of data to some servers, and none to the RFC: SMTP smuggling.
FALSE_ENDS = {
    "LF dot LF": b"\n.\n",
    "LF dot CRLF": b"\n.\r\n",
    "CRLF dot LF": b"\r\n.\n",
    "CR dot CR": b"\r.\r",
    "CR dot CRLF": b"\r.\r\n",
    "CRLF dot CR": b"\r\n.\r",
    "CR CRLF dot CRLF": b"\r\r\n.\r\n",
    "LF CRLF dot": b"\n\r\n.\r\n",
    "CRLF dot CR CRLF": b"\r\n.\r\r\n",
}


@pytest.mark.parametrize("end", FALSE_ENDS.values(), ids=FALSE_ENDS.keys())
def test_no_false_end_of_data_lets_a_second_message_through(
    end: bytes, steady: PostOffice, sender: Desk, recipient: Desk
) -> None:
    second = b"MAIL FROM:<postmaster@mail.i2p>\r\nRCPT TO:<%b>\r\nDATA\r\n%b" % (
        recipient.address.encode(),
        message(sender),
    )
    with SmtpSession(sender) as line:
        line.open(sender, recipient.address)
        assert line.ask(b"DATA").startswith(b"354 ")
        line.say(message(sender) + b"first" + end + second + b"\r\n.\r\nQUIT\r\n")
        replies = line.rest().splitlines()
    assert replies[0].startswith(b"554 5.6.0 ")
    assert not any(reply.startswith(b"250 2.0.0 Accepted") for reply in replies)
    assert inbox(recipient) == []


@pytest.mark.parametrize("end", FALSE_ENDS.values(), ids=FALSE_ENDS.keys())
def test_no_chunk_may_hold_a_false_end_either(
    end: bytes, steady: PostOffice, sender: Desk, recipient: Desk
) -> None:
    octets = message(sender) + b"first" + end
    with SmtpSession(sender) as line:
        line.open(sender, recipient.address)
        line.say(b"BDAT %d LAST\r\n%b" % (len(octets), octets))
        assert line.reply().startswith(b"554 5.6.0 ")
    assert inbox(recipient) == []


FORGED = {
    "another's From": (b"From: %b@mail.i2p\r\n\r\n" % NOBODY.encode(), b"553 5.7.1 "),
    "two From fields": (
        b"From: {me}\r\nFrom: %b@mail.i2p\r\n\r\n" % NOBODY.encode(),
        b"553 5.7.1 ",
    ),
    "two mailboxes in From": (b"From: {me}, %b@mail.i2p\r\n\r\n" % NOBODY.encode(), b"553 5.7.1 "),
    "an address as display name": (
        b'From: "{me}" <%b@example.net>\r\n\r\n' % NOBODY.encode(),
        b"553 5.7.1 ",
    ),
    "a header of 300 kB": (
        b"From: {me}\r\n" + b"X-Much: %b\r\n" % (b"y" * 60_000) * 5,
        b"554 5.6.0 ",
    ),
    "a line of 70 kB": (b"From: {me}\r\n\r\n" + b"z" * 70_000, b"554 5.6.0 "),
}


@pytest.mark.parametrize(("octets", "reply"), FORGED.values(), ids=FORGED.keys())
def test_a_message_that_must_not_pass_is_told_why(
    octets: bytes, reply: bytes, steady: PostOffice, sender: Desk, recipient: Desk
) -> None:
    octets = octets.replace(b"{me}", sender.address.encode())
    told = send(sender, recipient, octets + b"\r\n%b\r\n" % BODY.encode())
    assert told.startswith(reply), told
    assert inbox(recipient) == []


def test_an_undeclared_oversize_is_read_to_its_end_and_refused(
    steady: PostOffice, sender: Desk, recipient: Desk
) -> None:
    line_of_64 = b"x" * 62 + b"\r\n"
    told = send(sender, recipient, message(sender) + line_of_64 * 200_000)
    assert told.startswith(b"552 5.3.4 ")
    assert inbox(recipient) == []


def test_a_client_that_hangs_up_in_its_message_delivers_nothing(
    steady: PostOffice, sender: Desk, recipient: Desk
) -> None:
    for ending in (b"", b"\r\n", b"\r\n.", b"\r\n.\r"):
        with SmtpSession(sender) as line:
            line.open(sender, recipient.address)
            assert line.ask(b"DATA").startswith(b"354 ")
            line.say(message(sender) + SUBJECT.encode() + ending)
    assert inbox(recipient) == []


def test_a_client_that_hangs_up_between_chunks_delivers_nothing(
    steady: PostOffice, sender: Desk, recipient: Desk
) -> None:
    octets = message(sender)
    with SmtpSession(sender) as line:
        line.open(sender, recipient.address)
        line.say(b"BDAT %d\r\n%b" % (len(octets), octets))
        assert line.reply().startswith(b"250 ")
    assert inbox(recipient) == []
