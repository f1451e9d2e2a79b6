# SPDX-License-Identifier: Apache-2.0
import tracemalloc

import pytest

from eepost.mail.violation import Misuse
from eepost.wire.pop3.events import (
    Admitted,
    Arrived,
    Connected,
    Content,
    Entry,
    Finished,
    LoginGiven,
    MessageWanted,
    Proceed,
    RefreshGiven,
    Refused,
    ResponseCode,
    UpdateGiven,
)
from eepost.wire.pop3.limits import Pop3Limits
from eepost.wire.pop3.server import Pop3Server
from eepost.wire.signals import Signal
from tests.engines.pop3.owner import FakeOwner, connected, converse, is_closed, logged_in, say

MESSAGE = b"A: 1\r\n\r\ntext\r\n"


def test_session_with_too_many_commands_is_closed() -> None:
    owner = FakeOwner([MESSAGE])
    server = logged_in(owner, Pop3Limits(commands=5))
    assert say(server, owner, b"NOOP\r\nDELE 1\r\nNOOP\r\n").count(b"+OK") == 3
    assert say(server, owner, b"QUIT\r\n") == b"-ERR too many commands\r\n"
    assert is_closed(server)
    assert owner.removed == set()


def test_bad_line_counts_as_mistake() -> None:
    owner = FakeOwner()
    server = connected(owner, Pop3Limits(errors=2))
    assert say(server, owner, b"x\n\r\n") == b"-ERR lines end in CR LF\r\n"
    assert say(server, owner, b"x" * 300) == b"-ERR too many errors\r\n"
    assert is_closed(server)


def test_message_that_is_not_there_is_no_mistake() -> None:
    owner = FakeOwner()
    server = logged_in(owner, Pop3Limits(errors=1))
    assert say(server, owner, b"RETR 1\r\n" * 50) == b"-ERR no such message\r\n" * 50
    assert not is_closed(server)


@pytest.mark.parametrize("code", [None, *ResponseCode])
def test_failed_logins_close_whatever_their_reason(code: ResponseCode | None) -> None:
    owner = FakeOwner()
    owner.refusals["LoginGiven"] = Refused("no", code)
    server = connected(owner, Pop3Limits(auth_failures=2))
    attempt = b"USER alice\r\nPASS correct horse\r\n"
    assert b"-ERR" in say(server, owner, attempt)
    assert not is_closed(server)
    assert b"-ERR" in say(server, owner, attempt)
    assert is_closed(server)


def test_refusal_of_login_may_close_at_once() -> None:
    owner = FakeOwner()
    owner.refusals["LoginGiven"] = Refused("go away", closes=True)
    server = connected(owner)
    replies = say(server, owner, b"USER alice\r\nPASS correct horse\r\nQUIT\r\n")
    assert replies == b"+OK now the password\r\n-ERR go away\r\n"
    assert is_closed(server)


def test_longest_command_line_carries_its_password() -> None:
    owner = FakeOwner()
    server = connected(owner)
    password = "p" * (255 - len("PASS \r\n"))
    assert b"[AUTH]" in say(server, owner, f"USER alice\r\nPASS {password}\r\n".encode())
    assert LoginGiven("alice", password) in owner.events
    assert b"-ERR line too long" in say(server, owner, f"PASS {password}p\r\n".encode())


def test_password_may_begin_and_end_with_spaces_and_hold_other_alphabets() -> None:
    owner = FakeOwner()
    say(connected(owner), owner, "USER älice\r\nPASS  ключ \r\n".encode())
    assert LoginGiven("älice", " ключ ") in owner.events


def test_burst_of_listings_waits_for_its_replies_to_be_sent() -> None:
    owner = FakeOwner([MESSAGE] * 1000)
    server = logged_in(owner)
    server.receive(b"LIST\r\n" * 1000)
    sent = 0
    pieces = 0
    while octets := (server.next_event(), server.outgoing())[1]:
        assert len(octets) < 2 * Pop3Limits().outgoing_octets
        sent += octets.count(b"+OK")
        pieces += 1
    assert sent == 1000
    assert pieces > 50


def test_burst_that_waits_is_answered_to_the_end_after_the_peer_closed() -> None:
    owner = FakeOwner([MESSAGE] * 1000)
    server = logged_in(owner)
    server.receive(b"LIST\r\n" * 100 + b"DELE 7\r\nQUIT\r\n")
    server.receive_eof()
    assert converse(server, owner).endswith(b"+OK bye\r\n")
    assert owner.removed == {6}


def test_listing_of_many_messages_is_complete() -> None:
    owner = FakeOwner([MESSAGE] * 20_000)
    server = logged_in(owner)
    for command in (b"LIST\r\n", b"UIDL\r\n"):
        lines = say(server, owner, command).split(b"\r\n")
        assert len(lines) == 20_000 + 3
        assert lines[20_000].startswith(b"20000 ")
        assert lines[-2:] == [b".", b""]


def test_logged_in_engine_takes_less_than_1500_octets() -> None:
    admitted = Admitted([Entry(10, "one")])
    servers = []
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(100):
            server = Pop3Server(Pop3Limits())
            server.next_event()
            server.decide(Proceed())
            server.receive(b"USER alice\r\nPASS correct horse\r\n")
            server.next_event()
            server.decide(admitted)
            server.receive(b"UIDL\r\n")
            server.next_event()
            server.outgoing()
            servers.append(server)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / len(servers) < 1500


def test_entries_of_the_owner_are_not_copied() -> None:
    owner = FakeOwner()
    server = connected(owner)
    server.receive(b"USER alice\r\nPASS correct horse\r\nSTAT\r\nSTAT\r\n")
    entries = [Entry(10, "one")]
    assert isinstance(server.next_event(), LoginGiven)
    server.decide(Admitted(entries))
    assert isinstance(server.next_event(), RefreshGiven)
    server.decide(Arrived([Entry(5, "two")]))
    assert isinstance(server.next_event(), RefreshGiven)
    assert entries == [Entry(10, "one")]
    assert b"+OK 2 15\r\n" in server.outgoing()


def test_next_event_is_misuse_while_one_waits() -> None:
    server = Pop3Server(Pop3Limits())
    assert server.next_event() == Connected()
    with pytest.raises(Misuse):
        server.next_event()


def test_answer_before_any_event_is_misuse() -> None:
    with pytest.raises(Misuse):
        Pop3Server(Pop3Limits()).decide(Proceed())


def test_answer_that_nothing_asked_for_is_misuse() -> None:
    server = connected(FakeOwner())
    with pytest.raises(Misuse):
        server.decide(Proceed())


@pytest.mark.parametrize("answer", [Admitted(()), Arrived(()), Content(b"x"), Finished()])
def test_greeting_has_no_other_answers(
    answer: Admitted | Arrived | Content | Finished,
) -> None:
    server = Pop3Server(Pop3Limits())
    server.next_event()
    with pytest.raises(Misuse):
        server.decide(answer)
    server.decide(Proceed())
    assert server.outgoing() == b"+OK POP3 ready\r\n"


def test_expiry_before_the_greeting_says_why() -> None:
    server = Pop3Server(Pop3Limits())
    server.expire("shutting down")
    assert server.next_event() is Signal.CLOSED
    assert server.outgoing() == b"-ERR shutting down\r\n"


def test_answer_after_expiry_is_ignored() -> None:
    owner = FakeOwner([MESSAGE])
    server = logged_in(owner)
    server.receive(b"DELE 1\r\nQUIT\r\n")
    assert server.next_event() == UpdateGiven([0])
    server.outgoing()
    server.expire("shutting down")
    server.decide(Proceed())
    server.receive(b"NOOP\r\n")
    assert server.next_event() is Signal.CLOSED
    assert server.outgoing() == b"-ERR shutting down\r\n"


def test_expiry_without_text_closes_silently_and_only_once() -> None:
    server = logged_in(FakeOwner())
    server.expire("")
    server.expire("again")
    assert server.next_event() is Signal.CLOSED
    assert server.outgoing() == b""


def test_engine_is_idle_between_commands_only() -> None:
    owner = FakeOwner([MESSAGE])
    server = Pop3Server(Pop3Limits())
    assert not server.is_idle
    converse(server, owner)
    assert server.is_idle
    server.receive(b"USER al")
    assert not server.is_idle
    say(server, owner, b"ice\r\nPASS correct horse\r\n")
    assert server.is_idle
    server.receive(b"RETR 1\r\n")
    assert isinstance(server.next_event(), MessageWanted)
    assert not server.is_idle


def test_capabilities_tell_after_how_many_days_messages_expire() -> None:
    owner = FakeOwner()
    server = Pop3Server(Pop3Limits(), expire_days=30)
    converse(server, owner)
    assert b"\r\nEXPIRE 30\r\n" in say(server, owner, b"CAPA\r\n")


def test_closed_engine_keeps_nothing_that_still_comes() -> None:
    server = logged_in(FakeOwner())
    server.expire("")
    server.receive(b"x" * 1000)
    assert len(server._lines) == 0


def test_credentials_show_in_no_traceback() -> None:
    assert repr(LoginGiven("alice", "correct horse")) == "LoginGiven()"
