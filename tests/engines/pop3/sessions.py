# SPDX-License-Identifier: Apache-2.0
"""Random sessions: what clients may send, in order and out of it."""

from hypothesis import strategies as st

_LOGIN = b"USER alice\r\nPASS correct horse\r\n"
_VERBS = b"CAPA USER PASS APOP AUTH STLS QUIT STAT LIST UIDL RETR TOP DELE RSET NOOP quit".split()
_ARGUMENTS = [b"", b" ", b" 1", b" 2", b" 3", b" 9", b" 1 1", b" -1", b" alice", b" correct horse"]
_LINES = st.tuples(st.sampled_from(_VERBS), st.sampled_from(_ARGUMENTS)).map(
    lambda pair: pair[0] + pair[1] + b"\r\n"
)
_NOISE = st.sampled_from([b"\r", b"\n", b"\0", b"\xff", b"x" * 300, b" ", b"\r\n", b".\r\n"])

OCTETS = st.lists(
    st.one_of(st.just(_LOGIN), _LINES, _LINES, _LINES, _NOISE, st.binary(max_size=20)),
    max_size=25,
).map(b"".join)
CUTS = st.lists(st.integers(0, 600), max_size=10)
