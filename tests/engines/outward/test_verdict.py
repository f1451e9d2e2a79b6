# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.wire.outward.verdict import (
    BAD_REPLY,
    Verdict,
    deferred,
    failed,
    of_content,
    of_host,
    of_reply,
)
from eepost.wire.transfer.messages import Fate


@pytest.mark.parametrize(
    ("code", "text", "verdict"),
    [
        (250, "2.1.5 Ok", Verdict(Fate.DELIVERED, "2.1.5", 250)),
        (250, "ok", Verdict(Fate.DELIVERED, "2.1.0", 250)),
        (450, "4.7.1 greylisted, come back", deferred("4.7.1", 450, ask_elsewhere=True)),
        (550, "5.1.1 no such user", failed("5.1.1", 550)),
        (550, "no such user", failed("5.1.0", 550)),
        (550, "4.1.1 of another class", failed("5.1.0", 550)),
        (550, "5.1.1.7 no status", failed("5.1.0", 550)),
        (550, "5.1.1000 no status", failed("5.1.0", 550)),
        (550, "mailbox 5.1.1 not in front", failed("5.1.0", 550)),
        (550, "5.7.26", failed("5.7.26", 550)),
        (354, "go on", BAD_REPLY),
        (199, "", BAD_REPLY),
        (600, "", BAD_REPLY),
        (-1, "", BAD_REPLY),
    ],
)
def test_reply_becomes_a_fate_and_codes(code: int, text: str, verdict: Verdict) -> None:
    assert of_reply(code, text, "1.0") == verdict


@pytest.mark.parametrize(
    ("code", "text", "verdict"),
    [
        (421, "4.3.2 busy", deferred("4.3.2", 421, ask_elsewhere=True)),
        (554, "5.7.1 you are on a list", deferred("4.3.0", 554, ask_elsewhere=True)),
        (250, "not a greeting", deferred("4.3.0", 250, ask_elsewhere=True)),
        (777, "", deferred("4.5.0", ask_elsewhere=True)),
    ],
)
def test_host_that_turns_us_away_says_nothing_final(code: int, text: str, verdict: Verdict) -> None:
    assert of_host(code, text) == verdict


def test_no_other_host_is_asked_once_the_content_was_sent() -> None:
    assert of_content(451, "4.3.0 later") == deferred("4.3.0", 451)
    assert of_content(554, "spam") == failed("5.0.0", 554)
    assert of_content(250, "") == Verdict(Fate.DELIVERED, "2.0.0", 250)


@given(st.integers(-1000, 9999), st.text(max_size=40))
def test_no_word_of_a_reply_is_kept(code: int, text: str) -> None:
    verdict = of_reply(code, text, "1.0")
    assert verdict.status.replace(".", "").isdigit()
    assert len(verdict.status) <= 11
    assert (
        verdict.status[0] == {"delivered": "2", "deferred": "4", "failed": "5"}[verdict.fate.value]
    )
