# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.wire.outward.verdict import BAD_REPLY, Verdict, deferred, failed, of_reply
from eepost.wire.transfer.messages import Fate


@pytest.mark.parametrize(
    ("code", "text", "verdict"),
    [
        (250, "2.1.5 Ok", Verdict(Fate.DELIVERED, "2.1.5", 250)),
        (250, "ok", Verdict(Fate.DELIVERED, "2.1.0", 250)),
        (450, "4.7.1 greylisted, come back", deferred("4.7.1", 450)),
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


@given(st.integers(-1000, 9999), st.text(max_size=40))
def test_no_word_of_a_reply_is_kept(code: int, text: str) -> None:
    verdict = of_reply(code, text, "1.0")
    assert verdict.status.replace(".", "").isdigit()
    assert len(verdict.status) <= 11
    assert (
        verdict.status[0] == {"delivered": "2", "deferred": "4", "failed": "5"}[verdict.fate.value]
    )
