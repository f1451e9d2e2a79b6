# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from tests.fuzz.running import run_target

TARGET = "tests.fuzz.fuzz_smtp"
LOGIN = b"\xff\x06EHLO x\r\nAUTH PLAIN AGFsaWNlAGNvcnJlY3QgaG9yc2U=\r\n"
MAIL = b"MAIL FROM:<alice@mail.i2p> SIZE=9 BODY=8BITMIME\r\nRCPT TO:<bob@mail.i2p>\r\n"
SEEDS = [
    LOGIN + MAIL + b"DATA\r\n..one\r\ntwo\r\n.\r\nNOOP\r\n" + MAIL + b"RSET\r\nQUIT\r\n",
    LOGIN + MAIL + b"BDAT 5\r\none\r\nBDAT 5 LAST\r\ntwo\r\nQUIT\r\n",
    b"\x0f\x00HELO x\r\nAUTH LOGIN\r\nYWxpY2U=\r\nY29ycmVjdCBob3JzZQ==\r\nMAIL FROM: <>\r\n",
    LOGIN + b'MAIL FROM:<"a\\b"@i2p> RET=FULL ENVID=a+2Bb\r\nRCPT TO:<@a:postmaster>\r\n',
]
WORDS = [
    b"\r\n.\r\n",
    b"\n.\n",
    b"\r.\r",
    b"DATA\r\n",
    b"BDAT 3 LAST\r\n",
    b"AUTH PLAIN\r\n",
    b"RSET\r\n",
    b" NOTIFY=NEVER",
    b" ORCPT=rfc822;a",
    b" SMTPUTF8",
]


@pytest.mark.fuzz
def test_engine_withstands_ten_seconds_of_fuzzing(tmp_path: Path) -> None:
    run = run_target(TARGET, SEEDS, tmp_path, seconds=10, words=WORDS)
    assert run.crashes == [], run.report
    assert run.executed > 1000


@pytest.mark.fuzz
def test_planted_fault_is_found(tmp_path: Path) -> None:
    run = run_target(TARGET, SEEDS, tmp_path, seconds=120, words=WORDS, is_planted=True)
    bare = [crash.replace(b"\r\n", b"") for crash in run.crashes]
    assert any(b"\n" in crash or b"\r" in crash for crash in bare), run.report
