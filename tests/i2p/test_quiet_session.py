# SPDX-License-Identifier: Apache-2.0
"""A session that nobody says anything in for a minute; it began when the routers were up."""

import time

import pytest

from tests.i2p.village import Village

pytestmark = pytest.mark.interop

SILENT_SECONDS = 61.0


def test_a_minute_of_silence_ends_no_session(village: Village) -> None:
    time.sleep(max(0.0, village.silent_since + SILENT_SECONDS - time.monotonic()))
    village.silent.settimeout(30)
    assert village.silent.recv(512).startswith(b"220")
    village.silent.sendall(b"NOOP\r\n")
    assert village.silent.recv(512).startswith(b"250")
    village.silent.sendall(b"QUIT\r\n")
    assert village.silent.recv(512).startswith(b"221")
