# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from tests.engines.smtp.scripted import FOLDER, Dialogue

DIALOGUES = sorted(FOLDER.glob("*.txt"))
PIECES_OCTETS = (1_000_000, 1, 2, 7)


def test_the_folder_holds_dialogues() -> None:
    assert len(DIALOGUES) >= 30


@pytest.mark.parametrize("piece_octets", PIECES_OCTETS)
@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_dialogue_runs_word_for_word(path: Path, piece_octets: int) -> None:
    Dialogue(piece_octets).run(path.read_text("utf-8"))


GREETED = "S: 220 mail.i2p ESMTP ready\n"


@pytest.mark.parametrize(
    "text",
    [
        "S: 220 mail.i2p ESMTP redy",
        GREETED + "C: NOOP\nS: 250 2.0.0 OK\nS: 250 2.0.0 OK",
        GREETED + "C: NOOP",
        GREETED + "S!",
        GREETED + "C: QUIT\nS!",
        "C: QUIT\nS: 220 mail.i2p ESMTP ready",
        GREETED + "O: heard Connected AuthGiven",
        GREETED + 'O: message "x"',
        GREETED + "O: sender <>",
        GREETED + "O: unheard of",
    ],
)
def test_wrong_dialogue_fails(text: str) -> None:
    with pytest.raises(AssertionError):
        Dialogue(100_000).run(text)
