# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from tests.fuzz.running import run_target

TARGET = "tests.fuzz.fuzz_pop3"
LOGIN = b"\xff\x06USER alice\r\nPASS correct horse\r\n"
SEEDS = [
    LOGIN + b"STAT\r\nLIST\r\nUIDL\r\nRETR 1\r\nTOP 2 3\r\nNOOP\r\nDELE 1\r\nQUIT\r\n",
    LOGIN + b"RSET\r\nLIST 2\r\nUIDL 2\r\n",
    b"\x00\x00CAPA\r\nAUTH PLAIN\r\nAPOP a b\r\nSTLS\r\nNOOP\r\n" + b"x" * 300 + b"\r\nQUIT\r\n",
]

WORDS = [b"RSET\r\n", b"DELE 1\r\n", b"RETR 1\r\n", b"QUIT\r\n", b"USER a\r\n", b"PASS a\r\n"]


@pytest.mark.fuzz
def test_engine_withstands_ten_seconds_of_fuzzing(tmp_path: Path) -> None:
    run = run_target(TARGET, SEEDS, tmp_path, seconds=10, words=WORDS)
    assert run.crashes == [], run.report
    assert run.executed > 1000


@pytest.mark.fuzz
def test_planted_fault_is_found(tmp_path: Path) -> None:
    run = run_target(TARGET, SEEDS, tmp_path, seconds=120, words=WORDS, is_planted=True)
    assert run.crashes, run.report
    assert "planted" in run.report
