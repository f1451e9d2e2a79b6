# SPDX-License-Identifier: Apache-2.0
"""Every program that sends: what arrives, what is gone, and what its user is told."""

from dataclasses import replace

import pytest

from tests.interop.conftest import MakeTap
from tests.interop.letters import SUBJECT, TEXT, leaks, subject_of, submitted, text_of
from tests.interop.running import Desk
from tests.interop.senders import SENDERS, Sender
from tests.office import PostOffice

pytestmark = [pytest.mark.interop, pytest.mark.parametrize("sender", SENDERS, ids=str)]


def test_a_letter_arrives_as_written_and_tells_nothing_of_its_writer(
    sender: Sender, post: PostOffice, alice: Desk, bob: Desk, tap: MakeTap
) -> None:
    wire = tap(post.smtp_port)
    done = sender.send(replace(alice, smtp_port=wire.port), bob.address)
    assert done.succeeded, done.output
    told = submitted(wire.heard)
    assert told.greeting_name == sender.greeting_name
    assert sender.tells <= told.tells.keys()
    [delivered] = post.fetch(bob.account)
    assert subject_of(delivered) == SUBJECT
    assert text_of(delivered) == TEXT
    assert leaks(delivered, told) == {}
    assert leaks(told.message, told), "the search for leaks finds those in the original"


def test_a_wrong_password_is_told_in_the_programs_own_words(
    sender: Sender, post: PostOffice, alice: Desk, bob: Desk
) -> None:
    done = sender.send(replace(alice, password="not the password"), bob.address)
    assert not done.succeeded
    assert sender.wrong_password in done.output
    assert post.fetch(bob.account) == []


def test_an_unknown_recipient_is_told_with_our_reason(
    sender: Sender, post: PostOffice, alice: Desk
) -> None:
    done = sender.send(alice, "nobody-here@mail.i2p")
    assert not done.succeeded
    assert sender.refused in done.output
    assert post.fetch(alice.account) == [], "no report either: the program has told the user"
