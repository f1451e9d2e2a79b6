# SPDX-License-Identifier: Apache-2.0
from eepost.letters.model import Accepted, Phase, Progress
from eepost.letters.ports import DiskFull
from eepost.letters.service import Fate, Letter, NotServed, Outcome, Verdict


def test_what_is_said_of_a_letter_shows_nothing_of_it() -> None:
    letter = Letter("alice@mail.i2p", ["bob@mail.i2p"], b"secret")
    assert repr(letter) == "Letter()"
    reason = NotServed(Verdict.DENIED, "no")
    assert (reason.verdict, reason.text) == (Verdict.DENIED, "no")
    assert Outcome(Fate.TAKEN).words == ""
    assert str(DiskFull()) == ""
    assert Accepted(1).report == {}
    assert Progress().phase is Phase.IDLE
