# SPDX-License-Identifier: Apache-2.0
"""A far server in a few words, and the letter it is given."""

from eepost.wire.signals import Signal
from eepost.wire.submit.client import SmtpClient
from eepost.wire.submit.events import Answered, Ready
from eepost.wire.submit.letter import Envelope
from eepost.wire.submit.replies import FarReply

EHLO = b"250-mail.i2p\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250 AUTH PLAIN LOGIN\r\n"
LETTER = b"From: alice@mail.i2p\r\nSubject: dots\r\n\r\n.\r\n..two\r\nend\r\n"


def letter(*recipients: str) -> Envelope:
    """Return the letter for these recipients."""
    return Envelope("alice@mail.i2p", recipients, LETTER)


def spoken(client: SmtpClient, said: bytes) -> bytes:
    """Let the server say something that is no event, and return what the client says then."""
    client.receive(said)
    assert client.next_event() is Signal.NEED_DATA
    return client.outgoing()


def begun(ehlo: bytes = EHLO, *, login: bool = True) -> SmtpClient:
    """Return a client that is ready for a letter."""
    client = SmtpClient("alice", "secret")
    client.receive(b"220 hi\r\n" + ehlo + (b"235 in\r\n" if login else b""))
    assert client.next_event() == Ready()
    client.outgoing()
    return client


def answer(client: SmtpClient, said: bytes) -> tuple[FarReply, ...]:
    """Let the server answer a letter, and return what each recipient gets."""
    client.receive(said)
    event = client.next_event()
    assert isinstance(event, Answered)
    return event.replies
