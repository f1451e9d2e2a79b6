# SPDX-License-Identifier: Apache-2.0
"""What a session over I2P costs; printed after the tests, asserted only to be there at all."""

import statistics
import time

import pytest

from tests.figures import Figure
from tests.i2p.talk import Talk, login, submit
from tests.i2p.village import ALICE, MALLORY, Village
from tests.office import PostOffice, mail

pytestmark = pytest.mark.interop

ROUNDS = 20


def test_times_of_a_session(village: Village, post: PostOffice, figure: Figure) -> None:
    post.add("figure-a", "figure-b")
    connects, greetings, sessions = [], [], []
    message = mail("figure-a", "figure-b", "x" * 70 + "\r\n" * 28)
    for _ in range(ROUNDS):
        begun = time.monotonic()
        with Talk(ALICE.smtp) as talk:
            connects.append(time.monotonic() - begun)
            assert talk.reply().startswith(b"220")
            greetings.append(time.monotonic() - begun)
        begun = time.monotonic()
        submit(ALICE.smtp, "figure-a", "figure-b", message)
        sessions.append(time.monotonic() - begun)
    assert len(post.fetch("figure-b")) == ROUNDS
    for what, seconds in (
        ("connect to the tunnel's port", connects),
        ("connect to first reply", greetings),
        ("whole submission of 2 kB", sessions),
    ):
        figure(f"{what}: median {statistics.median(seconds) * 1000:.1f} ms of {ROUNDS}")
    figure(f"boot of two routers to the first greeting: {village.boot_seconds:.1f} s")
    figure(f"memory of the users' router: {village.users.memory_kilobytes() / 1000:.0f} MB")


def test_guesses_from_one_destination_keep_the_owner_at_another_waiting_for_nothing(
    village: Village, post: PostOffice
) -> None:
    post.add("guessed")
    for _ in range(4):
        with Talk(MALLORY.pop3) as talk:
            assert talk.hear().startswith(b"+OK")
            assert talk.ask(b"USER guessed").startswith(b"+OK")
            assert talk.ask(b"PASS not the password").startswith(b"-ERR [AUTH]")
    begun = time.monotonic()
    with login(ALICE.pop3, "guessed") as talk:
        assert talk.ask(b"STAT").startswith(b"+OK")
    assert time.monotonic() - begun < 5
