# SPDX-License-Identifier: Apache-2.0
"""A fake owner of a submission engine: one account, a list of messages, faults on request."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from eepost.mail.address import Address
from eepost.mail.envelope import Recipient, ReversePath
from eepost.mail.reply import Reply
from eepost.wire.signals import Signal
from eepost.wire.smtp.events import (
    AuthGiven,
    Connected,
    ContentGiven,
    Event,
    Introduced,
    MailGiven,
    Mark,
    MessageGiven,
    RcptGiven,
    Secured,
    TransactionDropped,
)
from eepost.wire.smtp.limits import SmtpLimits
from eepost.wire.smtp.server import SmtpServer

NAME = "mail.i2p"
LOGIN = "alice"
PASSWORD = "correct horse"
GREETING = Reply(220, "", f"{NAME} ESMTP ready")
WELCOME = Reply(235, "2.7.0", "Logged in")
WRONG = Reply(535, "5.7.8", "Wrong name or password")
ACCEPTED = Reply(250, "2.0.0", "Accepted")
NOT_YOURS = Reply(553, "5.7.1", "Not your address")
REFUSED_RECIPIENTS: Mapping[str, Reply] = {
    "nobody": Reply(550, "5.1.1", "No such address"),
    "nemo": Reply(550, "5.1.1", "No such address"),
    "full": Reply(452, "4.2.2", "Maildrop full"),
    "wordy": Reply(550, "5.7.1", "No, and here is why:\n" + "because " * 50 + "of that"),
}
FAULT = Reply(451, "4.3.0", "Not now")


@dataclass
class Message:
    """What was taken: its envelope and its content."""

    reverse_path: ReversePath
    recipients: list[Recipient] = field(default_factory=list)
    content: bytes = b""


class FakeOwner:
    """Answers every event; `events` has them all, `delivered` the messages that were taken."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.delivered: list[Message] = []
        self.answers: dict[str, Reply] = {}  # by the event's name, used once
        self.open: Message | None = None

    def respond(self, event: Event) -> Reply | None:
        self.events.append(event)
        reply = self._reply(event)
        if reply is not None:
            reply = self.answers.pop(type(event).__name__, reply)
            if reply.is_positive:
                self._accept(event)
            elif isinstance(event, MessageGiven):
                self.open = None
        return reply

    def _reply(self, event: Event) -> Reply | None:
        match event:
            case Connected():
                return GREETING
            case AuthGiven(login, password):
                return WELCOME if (login.lower(), password) == (LOGIN, PASSWORD) else WRONG
            case MailGiven(reverse_path):
                mine = Address(LOGIN, NAME)
                return ACCEPTED if reverse_path.address == mine else NOT_YOURS
            case RcptGiven(recipient):
                return REFUSED_RECIPIENTS.get(recipient.address.local_part, ACCEPTED)
            case MessageGiven():
                return ACCEPTED
            case ContentGiven(octets):
                assert self.open is not None
                self.open.content += octets
            case TransactionDropped():
                assert self.open is not None
                self.open = None
            case Mark(name):
                assert name.isidentifier()
            case Introduced() | Secured():
                assert self.open is None
        return None

    def _accept(self, event: Event) -> None:
        match event:
            case MailGiven(reverse_path):
                assert self.open is None
                self.open = Message(reverse_path)
            case RcptGiven(recipient):
                assert self.open is not None
                self.open.recipients.append(recipient)
            case MessageGiven():
                assert self.open is not None
                self.delivered.append(self.open)
                self.open = None


def next_event(server: SmtpServer) -> Event | Signal:
    """Return the next event; where TLS is to begin, it stands at once."""
    event = server.next_event()
    while event is Signal.START_TLS:
        server.secured()
        event = server.next_event()
    return event


def converse(server: SmtpServer, owner: FakeOwner) -> bytes:
    """Run the engine until it needs the peer or is closed, and return what it sent."""
    while not isinstance(event := next_event(server), Signal):
        reply = owner.respond(event)
        if reply is not None:
            server.decide(reply)
    return server.outgoing()


def say(server: SmtpServer, owner: FakeOwner, octets: bytes) -> bytes:
    """Send `octets` in one piece and return what comes back."""
    server.receive(octets)
    return converse(server, owner)


def connected(owner: FakeOwner, limits: SmtpLimits | None = None) -> SmtpServer:
    """Return an engine that has greeted."""
    server = SmtpServer(limits or SmtpLimits(), NAME)
    assert converse(server, owner) == GREETING.octets
    return server


def logged_in(owner: FakeOwner, limits: SmtpLimits | None = None) -> SmtpServer:
    """Return an engine after EHLO and AUTH."""
    server = connected(owner, limits)
    replies = say(server, owner, b"EHLO x\r\nAUTH PLAIN AGFsaWNlAGNvcnJlY3QgaG9yc2U=\r\n")
    assert replies.endswith(WELCOME.octets)
    return server


def with_recipient(owner: FakeOwner, limits: SmtpLimits | None = None) -> SmtpServer:
    """Return an engine with a transaction that waits for its message."""
    server = logged_in(owner, limits)
    replies = say(server, owner, b"MAIL FROM:<alice@mail.i2p>\r\nRCPT TO:<bob@mail.i2p>\r\n")
    assert replies == ACCEPTED.octets * 2
    return server


def is_closed(server: SmtpServer) -> bool:
    return server.next_event() is Signal.CLOSED
