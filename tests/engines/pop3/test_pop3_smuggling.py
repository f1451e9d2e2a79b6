# SPDX-License-Identifier: Apache-2.0
"""Whatever lies in a maildrop is one message to a client that reads carelessly."""

import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eepost.wire.pop3.events import Content, Finished
from eepost.wire.pop3.server import Pop3Server
from tests.engines.pop3.owner import FakeOwner, logged_in

SMUGGLED = b"+OK 3 octets\r\n"
FRAGMENTS = [b".", b"..", b"\r\n", b"\r\n.\r\n", b".\r\n", b"a", b" ", SMUGGLED, b"A: 1\r\n\r\n"]
CRLF_ONLY = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map(b"".join)
ANY = st.lists(st.sampled_from([*FRAGMENTS, b"\n", b"\n.\n", b"\n.\r\n", b"\r"]), max_size=25)
CUTS = st.lists(st.integers(0, 200), max_size=6)

# Ends that a careless client takes: each half of either line end may be missing.
SLOPPY_END = re.compile(rb"(?:\r\n|\n|\r)\.(?:\r\n|\n|\r)")
# The same of a client that takes LF for a line end, but not CR.
LF_END = re.compile(rb"\r?\n\.\r?\n")


def sloppy_read(octets: bytes, end: re.Pattern[bytes]) -> tuple[bytes, bytes]:
    """Return the message up to the first end, and what is taken for the next reply."""
    found = end.search(octets)
    assert found is not None
    return octets[: found.start()], octets[found.end() :]


def fetch(command: bytes, octets: bytes, cuts: list[int]) -> bytes:
    """Return what the engine sends for one message whose content comes in chunks."""
    server: Pop3Server = logged_in(FakeOwner([octets]))
    server.receive(command + b"\r\n")
    server.next_event()
    at = sorted({0, *(cut for cut in cuts if cut < len(octets)), len(octets)})
    for start, end in itertools.pairwise(at):
        server.decide(Content(octets[start:end]))
    server.decide(Finished())
    return server.outgoing()


@pytest.mark.parametrize("command", [b"RETR 1", b"TOP 1 0", b"TOP 1 3", b"TOP 1 99"])
@given(octets=CRLF_ONLY, cuts=CUTS)
@example(octets=b"A: 1\r\n\r\n.\r\n" + SMUGGLED, cuts=[8])
@example(octets=b".\r\n" + SMUGGLED, cuts=[])
def test_crlf_message_is_one_message_to_any_client(
    command: bytes, octets: bytes, cuts: list[int]
) -> None:
    assert sloppy_read(fetch(command, octets, cuts), SLOPPY_END)[1] == b""


@pytest.mark.parametrize("command", [b"RETR 1", b"TOP 1 3"])
@given(octets=ANY.map(b"".join), cuts=CUTS)
@example(octets=b"A: 1\r\n\r\n\n.\n" + SMUGGLED, cuts=[10])
def test_any_message_is_one_message_to_a_client_that_takes_bare_lf(
    command: bytes, octets: bytes, cuts: list[int]
) -> None:
    assert sloppy_read(fetch(command, octets, cuts), LF_END)[1] == b""


@pytest.mark.parametrize("end", [b"\r\n.\r\n", b"\n.\n", b"\n.\r\n", b"\r\n.\n"])
def test_sloppy_client_would_be_deceived_by_an_unstuffed_message(end: bytes) -> None:
    unstuffed = b"+OK 40 octets\r\nA: 1\r\n\r\nseen" + end + SMUGGLED + b"\r\n.\r\n"
    for pattern in (SLOPPY_END, LF_END):
        assert sloppy_read(unstuffed, pattern)[1].startswith(SMUGGLED)
