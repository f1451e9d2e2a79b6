# SPDX-License-Identifier: Apache-2.0
"""Split-invariance, noise, and order of trust."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eepost.mail.reply import Reply
from eepost.wire.signals import Signal
from eepost.wire.smtp import states
from eepost.wire.smtp.events import (
    AuthGiven,
    Connected,
    ContentGiven,
    Event,
    MailGiven,
    Mark,
    MessageGiven,
    RcptGiven,
    TransactionDropped,
)
from eepost.wire.smtp.server import SmtpServer
from tests.engines.smtp.owner import ACCEPTED, GREETING, NAME, WELCOME
from tests.engines.smtp.sessions import CUTS, LIMITS, OCTETS, pieces, read_replies, run


@settings(max_examples=500)
@given(OCTETS, CUTS)
def test_cutting_the_stream_changes_nothing(octets: bytes, cuts: list[int]) -> None:
    singles = [octets[i : i + 1] for i in range(len(octets))]
    assert run([octets]) == run(pieces(octets, cuts)) == run(singles)


@settings(max_examples=500)
@given(OCTETS)
def test_any_session_gets_well_formed_replies(octets: bytes) -> None:
    read_replies(run([octets])[2])


@given(st.binary(max_size=2000))
def test_binary_noise_gets_well_formed_replies(octets: bytes) -> None:
    events, delivered, sent = run([octets])
    read_replies(sent)
    assert [event for event in events if not isinstance(event, Mark)] == [Connected()]
    assert delivered == []


@pytest.mark.parametrize(
    "sent",
    [
        b"250 2.0.0 OK",
        b"250 2.0.0 OK\n",
        b"250\r\n",
        b"250 \r\n",
        b"250 5.0.0 OK\r\n",
        b"250-2.0.0 OK\r\n",
        b"250-2.0.0 OK\r\n550 5.0.0 No\r\n",
        b"150 No\r\n",
        b"250 2.0.0 \xff\r\n",
        b"250 " + b"x" * 509 + b"\r\n",
        b"25",
    ],
)
def test_reader_of_replies_notices_bad_ones(sent: bytes) -> None:
    with pytest.raises(ValueError, match=r"repl|differ"):
        read_replies(sent)


class Watch:
    """Knows what the owner has allowed, and asserts that no event goes beyond it."""

    def __init__(self) -> None:
        self.is_greeted = False
        self.is_logged_in = False
        self.is_open = False
        self.recipients = 0
        self.is_over = False

    def check(self, event: Event) -> None:
        if not isinstance(event, Mark):
            assert not self.is_over, "nothing happens after the end"
        match event:
            case Connected():
                assert not self.is_greeted, "one greeting is enough"
            case AuthGiven():
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


def watch(octets: bytes, answers: list[int]) -> None:
    """Let a stubborn owner answer: 0 to 2 choose a refusal, the others are a yes."""
    watching = Watch()
    server = SmtpServer(LIMITS, NAME)
    server.receive(octets)
    server.receive_eof()
    while not isinstance(event := server.next_event(), Signal):
        watching.check(event)
        if isinstance(event, ContentGiven | TransactionDropped | Mark):
            continue
        answer = answers.pop() if answers else 9
        reply = NO[answer] if answer < len(NO) else YES.get(type(event), ACCEPTED)
        server.decide(reply)
        watching.note(event, reply)
        if reply.code == 421:
            watching.is_over = not watching.is_open  # its end is still told
    assert not watching.is_open
    read_replies(server.outgoing())


ANSWERS = st.lists(st.integers(0, 12), max_size=30)


@settings(max_examples=500)
@given(OCTETS, ANSWERS)
def test_no_event_comes_before_what_it_depends_on(octets: bytes, answers: list[int]) -> None:
    watch(octets, answers)


def test_order_of_trust_notices_a_removed_login_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(states.REFUSALS, states.State.INTRODUCED, {})
    with pytest.raises(AssertionError, match="before login"):
        watch(b"EHLO x\r\nMAIL FROM:<alice@mail.i2p>\r\n", [])
