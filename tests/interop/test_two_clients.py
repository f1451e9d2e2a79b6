# SPDX-License-Identifier: Apache-2.0
"""Two programs of one user at the same time: neither is shut out, nothing is lost or doubled."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.interop.fetchers import FETCHERS
from tests.interop.letters import letter, subject_of
from tests.interop.raw import PopSession
from tests.interop.running import Desk, Run
from tests.office import PostOffice

pytestmark = pytest.mark.interop

LETTERS = 40
PROGRAMS = {each.name: each for each in FETCHERS}


def _fill(post: PostOffice, alice: Desk, bob: Desk) -> list[str]:
    subjects = [f"letter {n:02}" for n in range(LETTERS)]
    for subject in subjects:
        post.submit(alice.address, bob.address, letter(alice.address, bob.address, subject))
    return subjects


def _at_once(bob: Desk, home: Path, keep: bool) -> dict[str, tuple[Run, list[str]]]:
    """Run two programs at once, each with a home of its own."""
    desks = {name: replace(bob, home=home / name) for name in ("mpop", "fetchmail")}
    for desk in desks.values():
        desk.home.mkdir()
    with ThreadPoolExecutor(len(desks)) as pool:
        runs = {name: pool.submit(PROGRAMS[name].fetch, desks[name], keep) for name in desks}
    return {
        name: (run.result(), sorted(map(subject_of, PROGRAMS[name].inbox(desks[name]))))
        for name, run in runs.items()
    }


def test_two_programs_that_leave_mail_there_both_get_all_of_it(
    post: PostOffice, alice: Desk, bob: Desk, tmp_path: Path
) -> None:
    subjects = _fill(post, alice, bob)
    for run, fetched in _at_once(bob, tmp_path, keep=True).values():
        assert run.succeeded, run.output
        assert fetched == subjects
    assert len(post.fetch(bob.account)) == LETTERS


def test_two_programs_that_delete_lose_nothing_between_them(
    post: PostOffice, alice: Desk, bob: Desk, tmp_path: Path
) -> None:
    subjects = _fill(post, alice, bob)
    fetched = _at_once(bob, tmp_path, keep=False)
    union = {subject for _, found in fetched.values() for subject in found}
    assert sorted(union) == subjects
    for _, found in fetched.values():
        assert len(set(found)) == len(found), "none comes twice to one program"
    assert post.fetch(bob.account) == []


def test_a_session_that_is_open_survives_a_deletion_by_another_program(
    post: PostOffice, alice: Desk, bob: Desk
) -> None:
    _fill(post, alice, bob)
    with PopSession(bob) as pop:
        assert PROGRAMS["mpop"].fetch(bob, False).succeeded
        assert len(PROGRAMS["mpop"].inbox(bob)) == LETTERS
        # Numbers stay fixed in a session; what is gone says so.
        assert pop.command("STAT").split()[1] == b"%d" % LETTERS
        pop.say(b"RETR 1\r\n")
        assert pop.hear() == b"-ERR This message was deleted by another session meanwhile"
        pop.command("DELE 1")  # twice is harmless
        late = letter(alice.address, bob.address, "arrived meanwhile")
        post.submit(alice.address, bob.address, late)
        assert pop.command("STAT").split()[1] == b"%d" % LETTERS  # one is marked, one is new
        pop.command(f"RETR {LETTERS + 1}")
        assert subject_of(pop.content()) == "arrived meanwhile"
    [left] = post.fetch(bob.account)
    assert subject_of(left) == "arrived meanwhile"
