# SPDX-License-Identifier: Apache-2.0
"""More than there is room for: connections, octets in transit, a full maildrop."""

from contextlib import ExitStack

import pytest

from tests.bad_input.aftermath import (
    RECIPIENT,
    SENDER,
    assert_goes_on,
    inbox,
    message,
    send,
    settle,
)
from tests.bad_input.conftest import OpenOffice
from tests.interop.raw import Line, PopSession, SmtpSession, plain
from tests.interop.running import Desk

TURNED_AWAY = {
    "smtp": b"421 4.3.2 Too many connections right now, try again later",
    "pop3": b"-ERR [SYS/TEMP] Too many connections right now, try again later",
}
WELCOME = {"smtp": b"220 ", "pop3": b"+OK "}


@pytest.mark.parametrize("service", ["smtp", "pop3"])
def test_the_connection_over_the_limit_is_told_and_the_next_one_welcome(
    service: str, open_office: OpenOffice
) -> None:
    office = open_office({service: {"connections": 10}})
    port = {"smtp": office.smtp_port, "pop3": office.pop3_port}[service]
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(port)) for _ in range(10)]
        for line in lines:
            assert line.hear().startswith(WELCOME[service])
        for _ in range(30):
            with Line(port) as line:
                assert line.rest() == TURNED_AWAY[service] + b"\r\n"
        lines[0].say(b"QUIT\r\n")
        lines[0].rest()
        stack.enter_context(late := Line(port))
        assert late.hear().startswith(WELCOME[service])
    assert_goes_on(office)


def test_one_peer_can_not_take_the_connections_of_others(open_office: OpenOffice) -> None:
    office = open_office({"smtp": {"connections_per_peer": 3}})
    with ExitStack() as stack:
        for _ in range(3):
            line = stack.enter_context(Line(office.smtp_port, source="127.9.9.9"))
            assert line.hear().startswith(b"220 ")
        with Line(office.smtp_port, source="127.9.9.9") as fourth:
            assert fourth.rest() == TURNED_AWAY["smtp"] + b"\r\n"
        with Line(office.smtp_port, source="127.1.2.3") as other:
            assert other.hear().startswith(b"220 ")
        assert_goes_on(office)


def test_many_connections_at_once_are_served_or_told(open_office: OpenOffice) -> None:
    office = open_office({"smtp": {"connections": 300}})
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(office.smtp_port)) for _ in range(600)]
        first = [line.hear()[:4] for line in lines]
    assert first.count(b"220 ") == 300
    assert first.count(b"421 ") == 300
    assert_goes_on(office)


def _begin_large(desk: Desk, recipient: Desk) -> SmtpSession:
    line = SmtpSession(desk)
    line.open(desk, recipient.address)
    assert line.ask(b"DATA").startswith(b"354 ")
    # Some ten megabytes, in fewer lines than a text may have.
    words = b"%07d large, and larger, and larger still than that\r\n"
    line.say(message(desk) + b"".join(words % n for n in range(185_454)))
    return line


def test_more_octets_in_transit_than_allowed_are_put_off(open_office: OpenOffice) -> None:
    office = open_office({"mail": {"in_transit_octets": 16_777_216}})
    sender, recipient = settle(office, SENDER), settle(office, RECIPIENT)
    with _begin_large(sender, recipient) as first, _begin_large(sender, recipient) as second:
        # Until the octets of both have come there is no saying which is the one too many.
        second.say(b".\r\n")
        replies = [second.reply()]
        first.say(b".\r\n")
        replies.append(first.reply())
        put_off = b"452 4.3.1 Too much mail at once right now, try again later"
        assert sorted(reply[:3] for reply in replies) == [b"250", b"452"]
        assert put_off in replies
        # What was held is free again.
        assert send(sender, recipient, message(sender)).startswith(b"250 ")
    assert len(inbox(recipient)) == 2
    assert_goes_on(office)


def test_a_full_maildrop_refuses_and_keeps_all_it_has(open_office: OpenOffice) -> None:
    office = open_office(
        {"mail": {"maildrop_octets": 1_000_000}, "smtp": {"message_octets": 65_536}}
    )
    sender, recipient = settle(office, SENDER), settle(office, RECIPIENT)
    lines = b"".join(b"%06d marmelade and bread and butter and tea\r\n" % n for n in range(1_200))
    accepted = 0
    with SmtpSession(sender) as line:
        while True:
            assert line.ask(b"MAIL FROM:<%b>" % sender.address.encode()).startswith(b"250 ")
            reply = line.ask(b"RCPT TO:<%b>" % recipient.address.encode())
            if reply.startswith(b"250 "):
                assert line.ask(b"DATA").startswith(b"354 ")
                line.say(b"Subject: number %d\r\n\r\n%b.\r\n" % (accepted, lines))
                reply = line.reply()
            if not reply.startswith(b"250 "):
                break
            accepted += 1
            assert accepted < 100
        assert reply == b"452 4.2.2 The recipient's maildrop is full, try again later"
        line.ask(b"RSET")
        declared = b"MAIL FROM:<%b> SIZE=65000" % sender.address.encode()
        assert line.ask(declared).startswith(b"250 ")
        told = line.ask(b"RCPT TO:<%b>" % recipient.address.encode())
        assert told.startswith(b"452 4.2.2 ")
    fetched = inbox(recipient)
    own = [each for each in fetched if each.endswith(b"\r\n\r\n" + lines)]
    assert len(own) == accepted
    assert accepted > 10
    assert 1 <= len(fetched) - len(own) <= 2, "the warnings at 80 and 95 %"
    with PopSession(recipient) as pop:
        for number in range(1, 4):
            pop.command(f"DELE {number}")
    assert send(sender, recipient, message(sender)).startswith(b"250 ")
    assert_goes_on(office)


def test_a_large_message_for_many_is_for_fewer_at_a_time(open_office: OpenOffice) -> None:
    office = open_office({"mail": {"in_transit_octets": 16_777_216}})
    sender = settle(office, SENDER)
    others = [settle(office, f"reader{number}") for number in range(4)]
    large = message(sender) + b"".join(b"%07d large\r\n" % n for n in range(400_000))
    with SmtpSession(sender) as line:
        for recipients, reply in (
            (others, b"552 5.3.4 Too large for so many recipients"),
            (others[:2], b"250 2.0.0"),
        ):
            line.open(sender, *(each.address for each in recipients))
            line.ask(b"DATA")
            assert line.ask(large + b".").startswith(reply)
    assert [len(inbox(each)) for each in others] == [1, 1, 0, 0]
    assert_goes_on(office)


def test_one_account_can_not_take_the_connections_of_others(open_office: OpenOffice) -> None:
    office = open_office(
        {"smtp": {"connections_per_account": 2}, "pop3": {"connections_per_account": 2}}
    )
    greedy, other = settle(office, SENDER), settle(office, RECIPIENT)
    with ExitStack() as stack:
        first, _ = (stack.enter_context(SmtpSession(greedy)) for _ in range(2))
        _ = [stack.enter_context(PopSession(greedy)) for _ in range(2)]
        third = stack.enter_context(Line(office.smtp_port))
        third.reply()
        third.ask(b"EHLO client")
        assert third.ask(b"AUTH PLAIN " + plain(greedy)).startswith(b"454 4.7.0 This account has")
        third = stack.enter_context(Line(office.pop3_port))
        third.hear()
        third.ask(b"USER " + greedy.account.encode())
        assert third.ask(b"PASS " + greedy.password.encode()).startswith(b"-ERR [IN-USE] ")
        assert send(other, other, message(other)).startswith(b"250 ")
        first.ask(b"QUIT")
        first.rest()
        assert send(greedy, other, message(greedy)).startswith(b"250 ")
    assert len(inbox(other)) == 2
