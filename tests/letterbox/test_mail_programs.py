# SPDX-License-Identifier: Apache-2.0
"""Real mail programs before a letterbox before a real post office."""

import pytest

from tests.interop.fetchers import FETCHERS, Fetcher
from tests.interop.letters import LINES, PLANTED
from tests.interop.running import Desk
from tests.interop.senders import SENDERS, Sender
from tests.letterbox.waiting import until
from tests.office import PostOffice, mail


@pytest.mark.interop
@pytest.mark.parametrize("sender", SENDERS, ids=str)
def test_programs_send_through_the_letterbox(
    sender: Sender, post: PostOffice, alice: Desk, bob: Desk
) -> None:
    done = sender.send(alice, bob.address)
    assert done.succeeded, done.output
    (message,) = until(lambda: post.fetch(bob.account))
    assert b"Subject:" in message
    assert LINES[-2].encode() in message
    for value in PLANTED.values():
        assert value.encode() not in message


@pytest.mark.interop
@pytest.mark.parametrize("fetcher", FETCHERS, ids=str)
def test_programs_fetch_through_the_letterbox(
    fetcher: Fetcher, post: PostOffice, alice: Desk, bob: Desk
) -> None:
    for body in ("the first\r\n", "the second\r\n"):
        post.submit(bob.address, alice.address, mail(bob.account, alice.account, body))
    done = fetcher.fetch(alice, True)
    assert done.succeeded or fetcher.has_exit_code is False, done.output
    found = b"".join(fetcher.inbox(alice))
    assert b"the first" in found
    assert b"the second" in found
    assert len(post.fetch(alice.account)) == 2
