# SPDX-License-Identifier: Apache-2.0
from eepost.wire.outward.hop import Hop, HopFailed, Letter
from eepost.wire.outward.verdict import UNREACHABLE


def test_nothing_of_a_letter_or_of_a_hop_is_printed() -> None:
    letter = Letter("alice@own.example", ("bob@far.example",), b"secret words")
    hop = Hop("mx.far.example", "9.66.1.1")
    for shown in (repr(letter), repr(hop), str(HopFailed(UNREACHABLE))):
        for told in ("alice", "bob", "far", "9.66", "secret"):
            assert told not in shown


def test_a_letter_is_wanted_unless_somebody_says_otherwise() -> None:
    assert Letter("", ("bob@far.example",), b"").is_wanted()
