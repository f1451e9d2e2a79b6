# SPDX-License-Identifier: Apache-2.0
"""Manners of programs that can't be run here, the I2P mail clients among them, octet by octet."""

from base64 import b64encode

import pytest

from tests.interop.letters import letter, subject_of
from tests.interop.raw import Line, PopSession, SmtpSession, plain
from tests.interop.running import Desk
from tests.office import PostOffice

pytestmark = pytest.mark.interop


def _dotted(message: bytes) -> bytes:
    return message.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def test_a_client_may_say_everything_at_once(post: PostOffice, alice: Desk, bob: Desk) -> None:
    message = letter(alice.address, bob.address, "in one burst")
    with Line(post.smtp_port) as line:
        line.say(
            b"ehlo x\r\nauth plain %b\r\nmail from: <%b> body=8bitmime size=%d\r\n"
            b"rcpt to: <%b>\r\ndata\r\n%bquit\r\n"
            % (
                plain(alice),
                alice.address.encode(),
                len(message),
                bob.address.encode(),
                _dotted(message),
            )
        )
        codes = [reply[:3] for reply in line.rest().splitlines() if reply[3:4] == b" "]
    assert codes == [b"220", b"250", b"235", b"250", b"250", b"354", b"250", b"221"]
    assert [subject_of(each) for each in post.fetch(bob.account)] == ["in one burst"]


def test_auth_login_may_come_in_one_burst(alice: Desk) -> None:
    name, password = (b64encode(each.encode()) for each in (alice.account, alice.password))
    with Line(alice.smtp_port) as line:
        line.say(b"EHLO x\r\nAUTH LOGIN\r\n%b\r\n%b\r\nQUIT\r\n" % (name, password))
        assert b"\r\n235 " in line.rest()


def test_quit_inside_data_delivers_nothing(post: PostOffice, alice: Desk, bob: Desk) -> None:
    # What a client does that pipelined and was shown a refused recipient only at DATA.
    with SmtpSession(alice) as line:
        line.open(alice, bob.address)
        assert line.ask(b"RCPT TO:<nobody-here@mail.i2p>").startswith(b"550 5.1.1 ")
        asked = line.ask(b"DATA")
        assert asked.startswith(b"354 ")
        assert b"(refused: 550 5.1.1 There is no such address here" in asked
        line.say(b"QUIT\r\n")
    assert post.fetch(bob.account) == []


def test_a_pipelined_data_without_any_recipient_repeats_why(alice: Desk) -> None:
    with SmtpSession(alice) as line:
        line.say(
            b"MAIL FROM:<%b>\r\nRCPT TO:<nobody-here@mail.i2p>\r\nDATA\r\n" % alice.address.encode()
        )
        replies = [line.reply() for _ in range(3)]
        assert replies[2].startswith(b"554 5.5.1 No valid recipients: 550 5.1.1 There is no such")


def test_deletions_count_when_the_client_hangs_up_after_quit_without_reading(
    post: PostOffice, alice: Desk, bob: Desk
) -> None:
    for n in range(3):
        post.submit(alice.address, bob.address, letter(alice.address, bob.address, f"number {n}"))
    pop = PopSession(bob)
    pop.say(b"DELE 1\r\nDELE 3\r\nQUIT\r\n")
    pop.close()
    # The next session may begin before QUIT was obeyed: nobody waited for its answer.
    for _ in range(500):
        with PopSession(bob) as later:
            if len(later.unique_ids()) == 1:
                break
    assert [subject_of(each) for each in post.fetch(bob.account)] == ["number 1"]


def test_deletions_are_forgotten_when_the_client_hangs_up_without_quit(
    post: PostOffice, alice: Desk, bob: Desk
) -> None:
    post.submit(alice.address, bob.address, letter(alice.address, bob.address))
    pop = PopSession(bob)
    pop.command("DELE 1")
    pop.close()
    assert len(post.fetch(bob.account)) == 1


def test_a_session_that_stays_open_sees_what_arrives_when_it_asks_stat(
    post: PostOffice, alice: Desk, bob: Desk
) -> None:
    with PopSession(bob) as pop:
        assert pop.command("STAT").startswith(b"+OK 0 ")
        post.submit(alice.address, bob.address, letter(alice.address, bob.address))
        assert pop.command("STAT").startswith(b"+OK 1 ")
        assert len(pop.unique_ids()) == 1
        [message] = pop.messages()  # all RETR in one burst
    assert message == post.fetch(bob.account)[0]


def test_uppercase_and_official_addresses_are_the_same_login(
    post: PostOffice, alice: Desk, bob: Desk
) -> None:
    official = f"{alice.account.upper()}@EXAMPLE.ORG"
    with Line(alice.smtp_port) as line:
        line.reply()
        line.ask(b"EHLO x")
        both = b64encode(f"{official}\0{official}\0{alice.password}".encode())
        assert line.ask(b"AUTH PLAIN " + both).startswith(b"235 ")
        assert line.ask(b"MAIL FROM:<%b>" % official.encode()).startswith(b"250 ")
        recipient = f"{bob.account}@example.org".encode()
        assert line.ask(b"RCPT TO:<%b>" % recipient).startswith(b"250 ")
    assert post.fetch(bob.account) == []
