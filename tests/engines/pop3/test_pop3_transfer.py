# SPDX-License-Identifier: Apache-2.0
import pytest

from eepost.wire.pop3.events import Content, Entry, Finished, MessageWanted, Refused
from eepost.wire.pop3.server import Pop3Server
from eepost.wire.signals import Signal
from tests.engines.pop3.owner import FakeOwner, is_closed, logged_in

MESSAGE = b"A: 1\r\n\r\none\r\n.two\r\n"


def wanting(command: bytes) -> Pop3Server:
    """Return an engine that asked for the only message, with nothing else to send."""
    server = logged_in(FakeOwner([MESSAGE]))
    server.receive(command + b"\r\n")
    assert isinstance(server.next_event(), MessageWanted)
    return server


def test_wanted_message_tells_index_entry_and_lines() -> None:
    server = logged_in(FakeOwner([b"", MESSAGE]))
    server.receive(b"TOP 2 5\r\n")
    assert server.next_event() == MessageWanted(1, Entry(len(MESSAGE), "uid-2"), 5)


def test_content_goes_out_chunk_by_chunk() -> None:
    server = wanting(b"RETR 1")
    server.decide(Content(b"A: 1\r\n\r\none\r\n"))
    assert server.outgoing() == b"+OK 19 octets\r\nA: 1\r\n\r\none\r\n"
    server.decide(Content(b".two"))
    assert server.outgoing() == b"..two"
    server.decide(Content(b""))
    server.decide(Content(b"\r\n"))
    server.decide(Finished())
    assert server.outgoing() == b"\r\n.\r\n"
    assert server.next_event() is Signal.NEED_DATA


@pytest.mark.parametrize("command", [b"RETR 1", b"TOP 1 0"])
def test_fault_after_content_closes_without_another_octet(command: bytes) -> None:
    server = wanting(command)
    server.receive(b"QUIT\r\n")
    server.decide(Content(MESSAGE))
    server.outgoing()
    server.decide(Refused("the store is away"))
    assert is_closed(server)
    assert server.outgoing() == b""


def test_fault_before_content_may_close() -> None:
    server = wanting(b"RETR 1")
    server.decide(Refused("the store is away", closes=True))
    assert is_closed(server)
    assert server.outgoing() == b"-ERR the store is away\r\n"


def test_expiry_amid_a_message_adds_nothing_to_it() -> None:
    server = wanting(b"RETR 1")
    server.decide(Content(MESSAGE[:9]))
    server.outgoing()
    server.expire("shutting down")
    server.decide(Content(MESSAGE[9:]))
    server.decide(Finished())
    assert is_closed(server)
    assert server.outgoing() == b""


def test_top_tells_when_it_has_enough() -> None:
    server = wanting(b"TOP 1 1")
    assert not server.has_enough
    server.decide(Content(MESSAGE[:10]))
    assert not server.has_enough
    server.decide(Content(MESSAGE[10:]))
    assert server.has_enough
    server.decide(Finished())
    assert server.outgoing().endswith(b"\r\n\r\none\r\n.\r\n")
    assert not server.has_enough


def test_whole_message_never_has_enough() -> None:
    server = wanting(b"RETR 1")
    server.decide(Content(MESSAGE))
    assert not server.has_enough
