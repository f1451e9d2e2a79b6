# SPDX-License-Identifier: Apache-2.0
"""Fuzz target: the submission engine under any octets, cuts and answers.

`python -m tests.fuzz.fuzz_smtp -max_total_time=60` runs it by hand. The first two octets of an
input choose the owner's answers and the size of the pieces, the rest is what the peer sends.
"""

import sys

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["eepost.wire", "eepost.mail.address"]):
    from eepost.wire.smtp.content import ContentCheck, Flaw

from tests.engines.smtp.sessions import read_replies, run
from tests.engines.smtp.sloppy import assert_one_message
from tests.engines.smtp.trust import watch
from tests.fuzz.running import PLANTED


def one_input(octets: bytes) -> None:
    """Assert order of trust, sound replies, no smuggling, and that cuts change nothing."""
    choices, cut, sent = octets[:1], octets[1:2], octets[2:]
    watch(sent, answers(choices[0] if choices else 0))
    whole = run([sent])
    read_replies(whole[2])
    for message in whole[1]:
        assert_one_message(message)
    piece_octets = cut[0] + 1 if cut else 1
    pieces = [sent[at : at + piece_octets] for at in range(0, len(sent), piece_octets)]
    assert run(pieces) == whole


def answers(choices: int) -> list[int]:
    """Return what the owner says to the first eight events: a bit of the octet for each."""
    return [9 if choices >> at & 1 else at % 3 for at in range(8)]


def plant() -> None:
    """Let CR and LF that stand alone pass in content."""
    find = ContentCheck._find

    def broken(check: ContentCheck, flaw: Flaw) -> None:
        if flaw is not Flaw.BARE_CR_OR_LF:
            find(check, flaw)

    ContentCheck._find = broken  # type: ignore[method-assign,assignment]


def main() -> None:
    """Fuzz until the limits in the arguments are reached."""
    if PLANTED in sys.argv:
        sys.argv.remove(PLANTED)
        plant()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
