# SPDX-License-Identifier: Apache-2.0
"""The search of the journal, which every test here ends with, finds what it looks for."""

import pytest

from tests.bad_input.aftermath import WORDS, betrayals, inbox, message, send
from tests.interop.running import Desk
from tests.office import PostOffice


@pytest.mark.parametrize("word", WORDS)
def test_a_planted_word_is_found_wherever_it_stands_in_a_line(word: str) -> None:
    planted = {"event": "fault", "origin": [f"mail.py:1 {word.upper()}@mail.i2p"]}
    assert len(betrayals([{"event": "serving", "smtp": 1}, planted])) == 1


def test_a_word_that_the_running_office_really_tells_is_found(
    post: PostOffice, sender: Desk, recipient: Desk
) -> None:
    assert send(sender, recipient, message(sender)).startswith(b"250 ")
    assert len(inbox(recipient)) == 1
    assert betrayals(post.lines) == []
    assert any(line["event"] == "serving" for line in post.lines), "the journal was read"
