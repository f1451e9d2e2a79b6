# SPDX-License-Identifier: Apache-2.0
"""Watches a submission engine whose owner says yes and no at random: nothing may come too early."""

from collections.abc import Sequence

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
from eepost.wire.smtp.server import SmtpServer
from eepost.wire.smtp.service import SUBMISSION, Service
from tests.engines.smtp.owner import ACCEPTED, GREETING, NAME, WELCOME, next_event
from tests.engines.smtp.sessions import LIMITS, read_replies


class Watch:
    """Knows what the owner has allowed, and asserts that no event goes beyond it."""

    def __init__(self, needs_login: bool) -> None:
        self.is_greeted = False
        self.is_logged_in = False
        self.needs_login = needs_login
        self.is_open = False
        self.recipients = 0
        self.is_over = False

    def check(self, event: Event) -> None:
        if not isinstance(event, Mark):
            assert not self.is_over, "nothing happens after the end"
        match event:
            case Connected():
                assert not self.is_greeted, "one greeting is enough"
            case Introduced():
                assert self.is_greeted, "no name before the greeting"
                self.is_logged_in = True  # as good as
            case Secured():
                assert not self.is_open, "no TLS inside a transaction"
                self.is_logged_in = False
            case AuthGiven():
                assert self.needs_login, "nobody logs in at an exchanger"
                assert self.is_greeted, "no login before the greeting"
                assert not self.is_logged_in, "one login is enough"
            case MailGiven():
                assert self.is_logged_in, "no transaction before login"
                assert not self.is_open, "no transaction inside another"
            case RcptGiven():
                assert self.is_open, "no recipient outside a transaction"
                assert self.recipients < LIMITS.recipients, "no recipient beyond the limit"
            case ContentGiven() | MessageGiven():
                assert self.is_open, "no content outside a transaction"
                assert self.recipients, "no content for nobody"
            case TransactionDropped():
                assert self.is_open, "nothing to drop"
                self.is_open = False

    def note(self, event: Event, reply: Reply) -> None:
        self.is_over |= reply.code == 421
        if reply.is_positive:
            self._note_yes(event)
        self.is_open = self.is_open and not isinstance(event, MessageGiven)

    def _note_yes(self, event: Event) -> None:
        match event:
            case Connected():
                self.is_greeted = True
            case AuthGiven():
                self.is_logged_in = True
            case MailGiven():
                self.is_open = True
                self.recipients = 0
            case RcptGiven():
                self.recipients += 1


YES = {Connected: GREETING, AuthGiven: WELCOME}
NO = (Reply(451, "4.3.0", "Not now"), Reply(550, "5.7.1", "No"), Reply(421, "4.3.2", "Good-bye"))


def watch(octets: bytes, answers: Sequence[int], service: Service = SUBMISSION) -> None:
    """Let a stubborn owner answer, in this order: 0 to 2 choose a refusal, the others are a yes."""
    remaining = iter(answers)
    watching = Watch(service.needs_login)
    server = SmtpServer(LIMITS, NAME, service)
    server.receive(octets)
    server.receive_eof()
    while not isinstance(event := next_event(server), Signal):
        watching.check(event)
        if isinstance(event, ContentGiven | TransactionDropped | Mark | Introduced | Secured):
            continue
        answer = next(remaining, len(NO))
        reply = NO[answer] if answer < len(NO) else YES.get(type(event), ACCEPTED)
        server.decide(reply)
        watching.note(event, reply)
        if reply.code == 421:
            watching.is_over = not watching.is_open  # its end is still told
    assert not watching.is_open
    read_replies(server.outgoing())
