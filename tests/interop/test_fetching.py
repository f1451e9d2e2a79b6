# SPDX-License-Identifier: Apache-2.0
"""Every program that fetches: what it gets, what stays, and what its user is told."""

from dataclasses import replace

import pytest

from tests.interop.conftest import MakeTap
from tests.interop.fetchers import FETCHERS, Fetcher
from tests.interop.letters import body_of, letter, subject_of
from tests.interop.raw import PopSession
from tests.interop.running import Desk
from tests.office import PostOffice

pytestmark = pytest.mark.interop
every = pytest.mark.parametrize("fetcher", FETCHERS, ids=str)
# 300 kB: more than one piece, wherever anybody cuts.
LARGE = b"".join(
    b"%06d .dots. and words that fill a line of ordinary width\r\n" % n for n in range(5000)
)


def _letters(alice: Desk, bob: Desk) -> list[bytes]:
    small = letter(alice.address, bob.address, "the small one")
    return [
        small,
        letter(alice.address, bob.address, "the large one") + LARGE,
        letter(alice.address, bob.address, "the last one") + b".\r\n..\r\n",
    ]


def _unique_ids(desk: Desk) -> list[str]:
    with PopSession(desk) as pop:
        return pop.unique_ids()


@every
def test_mail_comes_whole_and_stays_where_the_user_wants_it(
    fetcher: Fetcher, post: PostOffice, alice: Desk, bob: Desk
) -> None:
    for each in _letters(alice, bob):
        post.submit(alice.address, bob.address, each)
    delivered = post.fetch(bob.account)
    kept = _unique_ids(bob)
    assert len(kept) == 3
    done = fetcher.fetch(bob, True)
    assert done.succeeded, done.output
    fetched = fetcher.inbox(bob)
    assert sorted(map(body_of, fetched)) == sorted(map(body_of, delivered))
    assert sorted(map(subject_of, fetched)) == ["the large one", "the last one", "the small one"]
    assert _unique_ids(bob) == kept


@every
def test_mail_that_the_program_deletes_is_gone(
    fetcher: Fetcher, post: PostOffice, alice: Desk, bob: Desk
) -> None:
    for each in _letters(alice, bob):
        post.submit(alice.address, bob.address, each)
    done = fetcher.fetch(bob, False)
    assert done.succeeded, done.output
    assert len(fetcher.inbox(bob)) == 3
    assert post.fetch(bob.account) == []


@every
def test_a_wrong_password_is_told_in_the_programs_own_words(
    fetcher: Fetcher, post: PostOffice, alice: Desk, bob: Desk
) -> None:
    post.submit(alice.address, bob.address, letter(alice.address, bob.address))
    done = fetcher.fetch(replace(bob, password="not the password"), True)
    assert not (done.succeeded and fetcher.has_exit_code)
    assert fetcher.wrong_password in done.output
    assert fetcher.inbox(bob) == []
    assert len(post.fetch(bob.account)) == 1


@pytest.mark.parametrize("fetcher", [each for each in FETCHERS if each.remembers], ids=str)
def test_mail_left_there_is_known_again_after_a_restart(
    fetcher: Fetcher, post: PostOffice, alice: Desk, bob: Desk, tap: MakeTap
) -> None:
    wire = tap(post.pop3_port)  # the program sees one port, whatever the new process listens on
    desk = replace(bob, pop3_port=wire.port)
    post.submit(alice.address, bob.address, letter(alice.address, bob.address, "first"))
    assert fetcher.fetch(desk, True).succeeded
    before = _unique_ids(desk)
    assert post.stop() == 0
    wire.target_port = post.start().pop3_port
    assert _unique_ids(desk) == before
    post.submit(alice.address, bob.address, letter(alice.address, bob.address, "second"))
    assert fetcher.fetch(desk, True).succeeded
    again = fetcher.fetch(desk, True)
    assert again.code == fetcher.nothing_new, again.output
    assert sorted(map(subject_of, fetcher.inbox(desk))) == ["first", "second"]
