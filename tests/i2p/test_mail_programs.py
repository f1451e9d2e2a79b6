# SPDX-License-Identifier: Apache-2.0
"""Real mail programs submit and fetch through I2P tunnels between two real routers."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from tests.i2p.village import ALICE, MALLORY, Village
from tests.interop.fetchers import FETCHERS, Fetcher
from tests.interop.letters import SUBJECT, TEXT, subject_of, text_of
from tests.interop.running import Desk
from tests.interop.senders import SENDERS, Sender
from tests.office import PostOffice, mail

pytestmark = pytest.mark.interop

THROUGH_I2P = ("swaks PLAIN", "curl", "msmtp", "mutt")
FETCHED = ("mpop", "curl", "mutt")
_NUMBERS = count(1)


def desk(post: PostOffice, home: Path, name: str) -> Desk:
    """Return a user who reaches the office by alice's tunnels."""
    account = f"{name}{next(_NUMBERS)}"
    post.add(account)
    home = home / account
    home.mkdir()
    return Desk(home, ALICE.smtp, ALICE.pop3, account)


@pytest.mark.parametrize("sender", [s for s in SENDERS if s.name in THROUGH_I2P], ids=str)
def test_a_letter_submitted_over_i2p_arrives_as_written(
    sender: Sender, village: Village, post: PostOffice, tmp_path: Path
) -> None:
    alice, bob = desk(post, tmp_path, "alice"), desk(post, tmp_path, "bob")
    done = sender.send(alice, bob.address)
    assert done.succeeded, done.output
    [delivered] = post.fetch(bob.account)
    assert subject_of(delivered) == SUBJECT
    assert text_of(delivered) == TEXT


@pytest.mark.parametrize("sender", [s for s in SENDERS if s.name in THROUGH_I2P], ids=str)
def test_a_wrong_password_over_i2p_is_told_in_the_programs_own_words(
    sender: Sender, village: Village, post: PostOffice, tmp_path: Path
) -> None:
    alice, bob = desk(post, tmp_path, "alice"), desk(post, tmp_path, "bob")
    done = sender.send(replace(alice, password="not the password"), bob.address)
    assert not done.succeeded
    assert sender.wrong_password in done.output
    assert post.fetch(bob.account) == []


@pytest.mark.parametrize("fetcher", [f for f in FETCHERS if f.name in FETCHED], ids=str)
def test_a_maildrop_fetched_over_i2p_comes_whole(
    fetcher: Fetcher, village: Village, post: PostOffice, tmp_path: Path
) -> None:
    alice, bob = desk(post, tmp_path, "alice"), desk(post, tmp_path, "bob")
    bodies = [f"letter {n}\r\n.\r\n..dots\r\n" for n in range(3)]
    for body in bodies:
        post.submit(alice.address, bob.address, mail(alice.account, bob.account, body))
    done = fetcher.fetch(bob, False)
    assert done.succeeded or not fetcher.has_exit_code, done.output
    fetched = [message.replace(b"\r\n", b"\n") for message in fetcher.inbox(bob)]
    assert len(fetched) == len(bodies)
    for body in bodies:
        wanted = body.replace("\r\n", "\n").encode()
        assert any(wanted.rstrip() in message for message in fetched)
    assert post.fetch(bob.account) == [], "the program deleted what it fetched"


def test_programs_that_reach_nobody_say_so(
    village: Village, post: PostOffice, tmp_path: Path
) -> None:
    alice = replace(desk(post, tmp_path, "alice"), smtp_port=MALLORY.link)
    for sender in SENDERS:
        if sender.name in THROUGH_I2P:
            assert not sender.send(alice, alice.address).succeeded
    assert post.fetch(alice.account) == []
