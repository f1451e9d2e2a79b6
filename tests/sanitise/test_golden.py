# SPDX-License-Identifier: Apache-2.0
"""Every folder of tests/sanitise/golden holds what its message becomes, octet for octet."""

import re

import pytest

from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.to_internet import ToInternet, sanitise_to_internet
from tests.sanitise.golden import FOLDER, INTERNAL, OFFICIAL, Case, cases
from tests.sanitise.leaks import leaks

RANDOM = re.compile(rb"[a-z2-7]{32}")

each_case = pytest.mark.parametrize(
    "case", cases(), ids=lambda case: f"{case.folder.name}-{case.name}"
)
each_sent = pytest.mark.parametrize(
    "case",
    [case for case in cases() if case.policy == "from_user"],
    ids=lambda case: f"{case.folder.name}-{case.name}",
)


@each_case
def test_message_becomes_what_its_folder_says(case: Case) -> None:
    wanted = {path.name: path.read_bytes() for path in case.folder.glob(f"{case.name}.*")}
    assert case.files() == wanted


@each_sent
def test_what_may_go_on_holds_no_leak_and_may_leave(case: Case) -> None:
    outcome = case.outcome()
    if isinstance(outcome, Refused):
        return
    made = b"".join(outcome.pieces)
    assert leaks(made, OFFICIAL, case.options.get("known", "")) == []
    assert isinstance(sanitise_to_internet(made, ToInternet(INTERNAL, OFFICIAL)), Sanitised)


@each_sent
def test_doing_it_twice_changes_only_identifiers_and_boundaries(case: Case) -> None:
    outcome = case.outcome()
    if isinstance(outcome, Refused):
        return
    once = b"".join(outcome.pieces)
    again = case.of(once)
    assert isinstance(again, Sanitised)
    assert RANDOM.sub(b"", b"".join(again.pieces)) == RANDOM.sub(b"", once)


def test_every_folder_says_what_it_shows() -> None:
    folders = [path for path in FOLDER.glob("[0-9]*") if path.is_dir()]
    assert len(folders) >= 120
    for folder in folders:
        said = (folder / "README.md").read_text().strip()
        assert said, folder
        assert "\n" not in said, folder


def test_the_whole_stays_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 3_000_000
