# SPDX-License-Identifier: Apache-2.0
"""SMTP commands that are wrong, too long, out of order or no commands at all."""

import random
import re
from base64 import b64encode

import pytest

from tests.bad_input.aftermath import NOBODY, WRONG_PASSWORD, inbox
from tests.interop.raw import Line, SmtpSession, plain
from tests.interop.running import Desk
from tests.office import PostOffice

REPLY = re.compile(rb"\d{3}[ -][\x20-\x7e]+")


def _encoded(*parts: str) -> bytes:
    return b64encode("\0".join(parts).encode())


# What is said after EHLO without a login, and how the reply begins.
BEFORE_LOGIN = {
    "an unknown command": (b"XYZZY %b" % NOBODY.encode(), b"500 5.5.1 "),
    "nothing": (b"", b"500 5.5.1 "),
    "a NUL": (b"NO\0OP", b"500 5.5.1 "),
    "octets that are no UTF-8": (b"VRFY \xff\xfe", b"501 5.5.2 "),
    "MAIL without a login": (b"MAIL FROM:<%b@mail.i2p>" % NOBODY.encode(), b"530 5.7.0 "),
    "RCPT without a login": (b"RCPT TO:<%b@mail.i2p>" % NOBODY.encode(), b"530 5.7.0 "),
    "DATA without a login": (b"DATA", b"530 5.7.0 "),
    "EHLO without a name": (b"EHLO", b"501 5.5.4 "),
    "STARTTLS": (b"STARTTLS", b"502 5.5.1 "),
    "EXPN": (b"EXPN staff", b"502 5.5.1 "),
    "an unknown mechanism": (b"AUTH CRAM-MD5", b"504 5.5.4 "),
    "AUTH alone": (b"AUTH", b"501 5.5.4 "),
    "no base64": (b"AUTH PLAIN !!!!", b"501 5.5.2 "),
    "one part of three": (b"AUTH PLAIN " + _encoded(NOBODY), b"501 5.5.2 "),
    "another's authorization": (
        b"AUTH PLAIN " + _encoded("postmaster", NOBODY, WRONG_PASSWORD),
        b"535 5.7.8 ",
    ),
    "an unknown login": (
        b"AUTH PLAIN " + _encoded("", NOBODY, WRONG_PASSWORD),
        b"535 5.7.8 ",
    ),
    "a line of 100 kB": (b"NOOP " + b"x" * 100_000, b"500 5.5.2 "),
    "an AUTH line of 100 kB": (b"AUTH PLAIN " + b"A" * 100_000, b"500 5.5.6 "),
    "a bare LF": (b"NOOP\nNOOP", b"500 5.5.2 "),
    "a bare CR": (b"NOOP\rNOOP", b"500 5.5.2 "),
    "QUIT with an argument": (b"QUIT now", b"501 5.5.4 "),
}

# What is said after a login; {me} is the user's address.
AFTER_LOGIN = {
    "another's address": (b"MAIL FROM:<%b@mail.i2p>" % NOBODY.encode(), b"553 5.7.1 "),
    "no sender": (b"MAIL FROM:<>", b"553 5.7.1 "),
    "another domain": (b"MAIL FROM:<%b@example.net>" % NOBODY.encode(), b"553 5.7.1 "),
    "no address": (b"MAIL FROM:<@>", b"501 5.1.7 "),
    "no colon": (b"MAIL FROM {me}", b"501 5.5.4 "),
    "a size beyond the limit": (b"MAIL FROM:<{me}> SIZE=10485761", b"552 5.3.4 "),
    "a size that is none": (b"MAIL FROM:<{me}> SIZE=large", b"501 5.5.4 "),
    "a parameter twice": (b"MAIL FROM:<{me}> SIZE=1 SIZE=2", b"501 5.5.4 "),
    "an unknown parameter": (b"MAIL FROM:<{me}> XYZZY=1", b"555 5.5.4 "),
    "RCPT before MAIL": (b"RCPT TO:<{me}>", b"503 5.5.1 "),
    "DATA before MAIL": (b"DATA", b"503 5.5.1 "),
    "AUTH once more": (b"AUTH PLAIN AAAA", b"503 5.5.1 "),
}

# What is said inside a transaction.
INSIDE = {
    "an unknown recipient": (b"RCPT TO:<%b@mail.i2p>" % NOBODY.encode(), b"550 5.1.1 "),
    "an unknown official recipient": (b"RCPT TO:<%b@example.org>" % NOBODY.encode(), b"550 5.1.1 "),
    "another domain": (b"RCPT TO:<%b@example.net>" % NOBODY.encode(), b"550 5.7.1 "),
    "no recipient": (b"RCPT TO:<>", b"501 5.1.3 "),
    "half an address": (b"RCPT TO:<a@", b"501 5."),
    "MAIL once more": (b"MAIL FROM:<{me}>", b"503 5.5.1 "),
    "DATA without recipients": (b"DATA", b"503 5.5.1 "),
    "DATA with an argument": (b"DATA now", b"501 5.5.4 "),
}


def _by_name(table: dict[str, tuple[bytes, bytes]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("said", "reply"), table.values(), ids=table.keys())


@_by_name(BEFORE_LOGIN)
def test_before_login_a_clear_reply_and_the_session_goes_on(
    said: bytes, reply: bytes, steady: PostOffice
) -> None:
    with Line(steady.smtp_port) as line:
        assert line.reply().startswith(b"220 ")
        assert line.ask(b"EHLO x").startswith(b"250 ")
        assert line.ask(said).startswith(reply)
        assert line.ask(b"NOOP").startswith(b"250 ")


@_by_name(AFTER_LOGIN)
def test_after_login_a_clear_reply_and_the_session_goes_on(
    said: bytes, reply: bytes, steady: PostOffice, sender: Desk
) -> None:
    with SmtpSession(sender) as line:
        assert line.ask(said.replace(b"{me}", sender.address.encode())).startswith(reply)
        line.open(sender, sender.address)


@_by_name(INSIDE)
def test_in_a_transaction_a_clear_reply_and_it_goes_on(
    said: bytes, reply: bytes, steady: PostOffice, sender: Desk
) -> None:
    with SmtpSession(sender) as line:
        line.open(sender)
        assert line.ask(said.replace(b"{me}", sender.address.encode())).startswith(reply)
        assert line.ask(b"RCPT TO:<%b>" % sender.address.encode()).startswith(b"250 ")


def test_mail_before_ehlo_is_told_what_comes_first(steady: PostOffice) -> None:
    with Line(steady.smtp_port) as line:
        line.reply()
        assert line.ask(b"MAIL FROM:<a@mail.i2p>").startswith(b"503 5.5.1 ")
        assert line.ask(b"AUTH PLAIN AAAA").startswith(b"503 5.5.1 ")


def test_the_201st_recipient_is_for_the_next_message(steady: PostOffice, sender: Desk) -> None:
    with SmtpSession(sender) as line:
        line.open(sender, *[sender.address] * 200)
        assert line.ask(b"RCPT TO:<%b>" % sender.address.encode()).startswith(b"452 4.5.3 ")
        assert line.ask(b"DATA").startswith(b"354 ")
        line.say(b"\r\nto myself\r\n.\r\n")
        assert line.reply().startswith(b"250 ")
    assert len(inbox(sender)) == 1, "one mailbox gets one copy"


def test_too_many_wrong_commands_end_the_session(steady: PostOffice) -> None:
    with Line(steady.smtp_port) as line:
        line.say(b"XYZZY\r\n" * 500)
        replies = line.rest().splitlines()
    assert replies[0].startswith(b"220 ")
    assert replies[-1].startswith(b"421 4.7.0 ")
    assert len(replies) == 22, "the greeting, twenty errors, the end"


@pytest.mark.parametrize(
    "said",
    [b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"POST /%b HTTP/1.1\r\n\r\n" % NOBODY.encode()],
    ids=["GET", "POST"],
)
def test_a_browser_is_turned_away_before_it_can_say_more(said: bytes, steady: PostOffice) -> None:
    with Line(steady.smtp_port) as line:
        line.say(said + b"EHLO x\r\n")
        replies = line.rest().splitlines()
    assert [reply[:4] for reply in replies] == [b"220 ", b"421 "]


def test_bdat_without_a_size_ends_the_session(steady: PostOffice, sender: Desk) -> None:
    with SmtpSession(sender) as line:
        line.open(sender, sender.address)
        assert line.ask(b"BDAT much").startswith(b"421 4.5.4 ")
        assert line.rest() == b""
    assert inbox(sender) == []


@pytest.mark.parametrize("seed", range(8))
def test_noise_gets_well_formed_replies_or_the_end(seed: int, steady: PostOffice) -> None:
    noise = random.Random(seed).randbytes(100_000)
    with Line(steady.smtp_port) as line:
        line.say(b"EHLO x\r\n" + noise + b"\r\nQUIT\r\n")
        replies = line.rest().splitlines()
    assert replies[-1][:4] in {b"221 ", b"421 "}
    for reply in replies:
        assert REPLY.fullmatch(reply), reply


def test_noise_after_login_delivers_nothing(steady: PostOffice, sender: Desk) -> None:
    noise = random.Random(99).randbytes(100_000)
    with Line(steady.smtp_port) as line:
        me = sender.address.encode()
        line.say(
            b"EHLO x\r\nAUTH PLAIN %b\r\nMAIL FROM:<%b>\r\nRCPT TO:<%b>\r\nDATA\r\n"
            % (plain(sender), me, me)
            + noise
            + b"\r\n.\r\nQUIT\r\n"
        )
        assert b"\r\n554 5.6.0 " in line.rest()
    assert inbox(sender) == []


def test_a_tls_handshake_is_only_noise(steady: PostOffice) -> None:
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(189)
    with Line(steady.smtp_port) as line:
        line.say(hello + b"\r\nQUIT\r\n")
        replies = line.rest().splitlines()
    assert [reply[:2] for reply in replies] == [b"22", b"50", b"22"]
