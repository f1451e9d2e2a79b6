# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from tests.engines.pop3.scripted import FOLDER, Dialogue

DIALOGUES = sorted(FOLDER.glob("*.txt"))
PIECES_OCTETS = (100_000, 1, 2, 7)


def test_the_folder_holds_dialogues() -> None:
    assert len(DIALOGUES) >= 24


@pytest.mark.parametrize("piece_octets", PIECES_OCTETS)
@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_dialogue_runs_word_for_word(path: Path, piece_octets: int) -> None:
    Dialogue(piece_octets).run(path.read_text("utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        "S: +OK POP3 redy",
        "S: +OK POP3 ready\nC: NOOP\nS: +OK nothing done",
        "S: +OK POP3 ready\nC: NOOP",
        "S: +OK POP3 ready\nS!",
        "S: +OK POP3 ready\nS: +OK POP3 ready",
        "S: +OK POP3 ready\nC: QUIT\nS!",
        "C: QUIT\nS: +OK POP3 ready",
        'O: message "A: 1"\nS: +OK POP3 ready\nO: removed 1',
    ],
)
def test_wrong_dialogue_fails(text: str) -> None:
    with pytest.raises(AssertionError):
        Dialogue(100_000).run(text)
