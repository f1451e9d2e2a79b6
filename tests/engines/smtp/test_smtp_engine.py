# SPDX-License-Identifier: Apache-2.0
"""What the owner of the engine can rely on."""

import tracemalloc

import pytest

from eepost.mail.reply import Reply
from eepost.mail.violation import Misuse
from eepost.wire.signals import Signal
from eepost.wire.smtp import replies
from eepost.wire.smtp.events import (
    AuthGiven,
    Connected,
    ContentGiven,
    MailGiven,
    MessageGiven,
    RcptGiven,
    Secured,
    TransactionDropped,
)
from eepost.wire.smtp.limits import SmtpLimits
from eepost.wire.smtp.server import MAX_OUTGOING_OCTETS, SmtpServer
from eepost.wire.smtp.service import SUBMISSION, exchanger
from tests.engines.smtp.owner import (
    ACCEPTED,
    FAULT,
    GREETING,
    NAME,
    FakeOwner,
    connected,
    converse,
    is_closed,
    logged_in,
    say,
    with_recipient,
)

STOPPING = Reply(421, "4.3.2", "Stopping")


def test_first_event_is_the_connection() -> None:
    server = SmtpServer(SmtpLimits(), NAME)
    assert server.next_event() == Connected()
    assert server.outgoing() == b""


def test_next_event_before_the_decision_is_misuse() -> None:
    server = SmtpServer(SmtpLimits(), NAME)
    server.next_event()
    with pytest.raises(Misuse):
        server.next_event()


def test_decision_that_nobody_asked_for_is_misuse() -> None:
    with pytest.raises(Misuse):
        connected(FakeOwner()).decide(ACCEPTED)


def test_decision_before_the_event_was_fetched_is_misuse() -> None:
    server = SmtpServer(SmtpLimits(), NAME)
    with pytest.raises(Misuse):
        server.decide(GREETING)


@pytest.mark.parametrize("reply", [ACCEPTED, Reply(354, "", "Go on"), Reply(251, "2.1.5", "Ok")])
def test_yes_to_another_question_is_misuse(reply: Reply) -> None:
    server = SmtpServer(SmtpLimits(), NAME)
    server.next_event()
    with pytest.raises(Misuse):
        server.decide(reply)
    assert server.outgoing() == b""
    server.decide(GREETING)
    assert server.outgoing() == GREETING.octets


def test_receiving_after_the_end_is_misuse() -> None:
    server = connected(FakeOwner())
    server.receive_eof()
    with pytest.raises(Misuse):
        server.receive(b"NOOP\r\n")


def test_only_421_expires_a_session() -> None:
    with pytest.raises(Misuse):
        connected(FakeOwner()).expire(FAULT)


def test_what_comes_after_the_session_closed_is_ignored() -> None:
    owner = FakeOwner()
    server = connected(owner)
    say(server, owner, b"QUIT\r\nNOOP\r\n")
    server.receive(b"NOOP\r\n")
    assert is_closed(server)
    assert server.is_idle
    assert server.outgoing() == b""


def test_replies_wait_until_they_are_fetched_once() -> None:
    owner = FakeOwner()
    server = connected(owner)
    assert say(server, owner, b"NOOP\r\nNOOP\r\n") == b"250 2.0.0 OK\r\n" * 2
    assert server.outgoing() == b""


def test_burst_of_commands_is_not_answered_all_at_once() -> None:
    server = connected(FakeOwner())
    server.outgoing()
    server.receive(b"EHLO x\r\n" * 10_000)
    answered = 0
    while server.next_event() is Signal.NEED_DATA and (octets := server.outgoing()):
        assert len(octets) < MAX_OUTGOING_OCTETS + 1_000
        answered += octets.count(b"250 AUTH PLAIN LOGIN\r\n")
    assert server.next_event() is Signal.NEED_DATA
    assert answered == 10_000


def test_commands_behind_an_open_question_wait() -> None:
    server = logged_in(FakeOwner())
    server.receive(b"MAIL FROM:<alice@mail.i2p>\r\nNOOP\r\n")
    assert isinstance(server.next_event(), MailGiven)
    assert server.outgoing() == b""
    server.receive(b"NOOP\r\n")
    server.decide(ACCEPTED)
    assert server.next_event() is Signal.NEED_DATA
    assert server.outgoing() == ACCEPTED.octets + b"250 2.0.0 OK\r\n" * 2


def test_expiry_while_the_owner_decides_drops_the_transaction() -> None:
    owner = FakeOwner()
    server = with_recipient(owner)
    say(server, owner, b"DATA\r\n")
    server.receive(b"one\r\n.\r\n")
    assert isinstance(server.next_event(), ContentGiven)
    assert server.next_event() == MessageGiven()
    server.expire(STOPPING)
    assert server.next_event() == TransactionDropped()
    assert server.next_event() is Signal.CLOSED
    server.decide(ACCEPTED)  # was on its way
    assert server.outgoing() == STOPPING.octets


def test_expiry_takes_back_an_event_that_was_not_fetched() -> None:
    server = SmtpServer(SmtpLimits(), NAME)
    server.expire(STOPPING)
    assert server.next_event() is Signal.CLOSED
    assert server.outgoing() == STOPPING.octets


def test_session_is_idle_between_commands_only() -> None:
    owner = FakeOwner()
    server = SmtpServer(SmtpLimits(), NAME)
    assert not server.is_idle
    converse(server, owner)
    assert server.is_idle
    say(server, owner, b"EHLO x\r\nNOO")
    assert not server.is_idle
    say(server, owner, b"P\r\n")
    assert server.is_idle
    say(server, owner, b"AUTH PLAIN\r\n")
    assert not server.is_idle
    say(server, owner, b"AGFsaWNlAGNvcnJlY3QgaG9yc2U=\r\n")
    assert server.is_idle
    say(server, owner, b"BDAT 1\r\n")
    assert not server.is_idle
    say(server, owner, b"x")
    assert server.is_idle


def test_transaction_is_open_from_mail_to_the_decision_on_the_message() -> None:
    owner = FakeOwner()
    server = logged_in(owner)
    assert not server.in_transaction
    say(server, owner, b"MAIL FROM:<alice@mail.i2p>\r\n")
    assert server.in_transaction
    assert not server.is_idle
    say(server, owner, b"RCPT TO:<bob@mail.i2p>\r\nDATA\r\n")
    assert server.in_transaction
    server.receive(b".\r\n")
    assert server.next_event() == MessageGiven()
    assert server.in_transaction
    server.decide(FAULT)
    assert not server.in_transaction
    assert server.is_idle


def test_content_that_is_thrown_away_is_no_transaction_and_not_idle() -> None:
    owner = FakeOwner()
    server = with_recipient(owner)
    say(server, owner, b"DATA\r\n")
    say(server, owner, b"one\ntwo")
    assert owner.events[-1] == TransactionDropped()
    assert not server.in_transaction
    assert not server.is_idle


def test_transaction_that_was_dropped_for_its_content_is_dropped_once() -> None:
    owner = FakeOwner()
    server = with_recipient(owner)
    say(server, owner, b"DATA\r\none\ntwo\r\n")
    server.receive_eof()
    converse(server, owner)
    assert owner.events.count(TransactionDropped()) == 1
    assert is_closed(server)


def test_content_comes_in_pieces_as_large_as_they_came() -> None:
    owner = FakeOwner()
    server = with_recipient(owner)
    say(server, owner, b"DATA\r\n")
    owner.events.clear()
    line = b"x" * 62 + b"\r\n"
    for _ in range(10):
        say(server, owner, line * 1000)
    assert len(owner.events) == 10
    assert say(server, owner, b".\r\n") == ACCEPTED.octets
    assert owner.delivered[0].content == line * 10_000


def test_large_message_never_stands_in_the_engine() -> None:
    server = with_recipient(FakeOwner())
    server.receive(b"DATA\r\n")
    assert server.next_event() is Signal.NEED_DATA
    piece = (b"x" * 62 + b"\r\n") * 1000
    total = 0
    tracemalloc.start()
    for _ in range(160):
        server.receive(piece)
        while isinstance(event := server.next_event(), ContentGiven):
            total += len(event.octets)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total > 10_000_000
    assert peak < 10 * len(piece)


def test_idle_session_is_small() -> None:
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    engines = [SmtpServer(SmtpLimits(), NAME) for _ in range(100)]
    for engine in engines:
        engine.next_event()
        engine.decide(GREETING)
        engine.receive(b"EHLO x\r\nAUTH PLAIN AGFsaWNlAGNvcnJlY3QgaG9yc2U=\r\n")
        assert isinstance(engine.next_event(), AuthGiven)
        engine.decide(Reply(235, "2.7.0", "Logged in"))
        engine.next_event()
        engine.outgoing()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (after - before) / len(engines) < 2000


def test_credentials_stay_out_of_what_is_printed() -> None:
    server = connected(FakeOwner())
    server.receive(b"EHLO x\r\nAUTH PLAIN AGFsaWNlAGNvcnJlY3QgaG9yc2U=\r\n")
    event = server.next_event()
    assert event == AuthGiven("alice", "correct horse")
    assert "alice" not in repr(event)
    assert "horse" not in repr(event)


def test_greeting_and_replies_tell_nothing_about_the_client() -> None:
    owner = FakeOwner()
    server = connected(owner)
    replies = say(server, owner, b"EHLO secret.example\r\nHELO secret.example\r\nVRFY secret\r\n")
    assert b"secret" not in replies


def test_refusals_repeated_at_data_fit_in_a_reply_line() -> None:
    owner = FakeOwner()
    server = logged_in(owner)
    say(server, owner, b"MAIL FROM:<alice@mail.i2p>\r\n")
    for _ in range(50):
        say(server, owner, b"RCPT TO:<wordy@mail.i2p>\r\n")
    reply = say(server, owner, b"DATA\r\n")
    assert reply.startswith(
        b"554 5.5.1 No valid recipients: 550 5.7.1 No, and here is why: because"
    )
    assert reply.endswith(b"...; and 46 more\r\n")
    assert len(reply) <= 512


def test_refused_address_beyond_ascii_is_left_out_of_the_reply() -> None:
    owner = FakeOwner()
    server = logged_in(owner)
    say(server, owner, b"MAIL FROM:<alice@mail.i2p> SMTPUTF8\r\n")
    say(server, owner, "RCPT TO:<nobody@mäil.i2p>\r\n".encode())
    reply = say(server, owner, b"DATA\r\n")
    assert reply == b"554 5.5.1 No valid recipients: 550 5.1.1 No such address\r\n"


def test_recipient_that_was_asked_about_is_given_with_its_wishes() -> None:
    owner = FakeOwner()
    say(with_recipient(owner), owner, b"RCPT TO:<carol@mail.i2p> NOTIFY=NEVER\r\n")
    event = owner.events[-1]
    assert isinstance(event, RcptGiven)
    assert not event.recipient.notify


def test_what_came_in_the_clear_behind_starttls_is_never_obeyed() -> None:
    owner = FakeOwner()
    server = SmtpServer(SmtpLimits(), NAME, exchanger("Help", offers_tls=True))
    assert say(server, owner, b"EHLO x\r\n")
    sent = say(server, owner, b"STARTTLS\r\nMAIL FROM:<mallory@peer.example>\r\n")
    assert sent == replies.TLS_READY.octets + replies.BEHIND_STARTTLS.octets
    assert is_closed(server)
    assert not [event for event in owner.events if isinstance(event, MailGiven | Secured)]


def test_tls_that_nobody_asked_for_is_misuse() -> None:
    for service in (SUBMISSION, exchanger("Help", offers_tls=True)):
        with pytest.raises(Misuse):
            SmtpServer(SmtpLimits(), NAME, service).secured()
