# SPDX-License-Identifier: Apache-2.0
"""Random sessions for property tests, and a reader that knows what a well-formed reply is."""

import itertools
import re

from hypothesis import strategies as st

from eepost.wire.signals import Signal
from eepost.wire.smtp.events import ContentGiven, Event
from eepost.wire.smtp.limits import SmtpLimits
from eepost.wire.smtp.server import SmtpServer
from eepost.wire.smtp.service import SUBMISSION, Service
from tests.engines.smtp.owner import NAME, FakeOwner, Message, converse

# Small enough for random sessions to run into every one of them.
LIMITS = SmtpLimits(
    message_octets=60,
    command_line_octets=120,
    auth_line_octets=130,
    text_line_octets=30,
    recipients=2,
    errors=12,
    auth_failures=3,
    commands=40,
    messages=3,
)
LOG_IN = b"EHLO x\r\nAUTH PLAIN AGFsaWNlAGNvcnJlY3QgaG9yc2U=\r\n"
_COMMANDS = [
    b"EHLO x\r\n",
    b"HELO x\r\n",
    b"AUTH PLAIN AGFsaWNlAGNvcnJlY3QgaG9yc2U=\r\n",
    b"AUTH PLAIN AGFsaWNlAHdyb25n\r\n",
    b"AUTH PLAIN\r\n",
    b"AUTH LOGIN\r\n",
    b"YWxpY2U=\r\n",
    b"Y29ycmVjdCBob3JzZQ==\r\n",
    b"*\r\n",
    b"AUTH PLAIN " + b"A" * 120 + b"\r\n",
    b"MAIL FROM:<alice@mail.i2p>\r\n",
    b"MAIL FROM:<alice@mail.i2p> SIZE=99\r\n",
    b"MAIL FROM:<mallory@mail.i2p>\r\n",
    b"RCPT TO:<bob@mail.i2p>\r\n",
    b"RCPT TO:<nobody@mail.i2p>\r\n",
    b"RCPT TO:<>\r\n",
    b"DATA\r\n",
    b"BDAT 0\r\n",
    b"BDAT 5\r\n",
    b"BDAT 5 LAST\r\n",
    b"BDAT 40\r\n",
    b"BDAT 700 LAST\r\n",
    b"BDAT x\r\n",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"QUIT\r\n",
    b"VRFY bob\r\n",
    b"\xff\xfe\r\n",
    b"MAIL FROM:<\xff@mail.i2p>\r\n",
]
_PIECES = [b"\r", b"\n", b"\r\n", b".", b"\r\n.\r\n", b"\n.\n", b"text", b"x" * 20, b"\0", b" "]
_TRANSACTION = [
    b"MAIL FROM:<alice@mail.i2p>\r\nRCPT TO:<bob@mail.i2p>\r\nDATA\r\n",
    b"MAIL FROM:<alice@mail.i2p>\r\nRCPT TO:<bob@mail.i2p>\r\nBDAT 5\r\n",
    b"MAIL FROM:<alice@mail.i2p>\r\nRCPT TO:<bob@mail.i2p>\r\nBDAT 9 LAST\r\n",
]
_BEGINNINGS = st.sampled_from([b"", LOG_IN, *(LOG_IN + begun for begun in _TRANSACTION)])
_PARTS = st.lists(st.sampled_from(_COMMANDS + 2 * _PIECES + 2 * _TRANSACTION), max_size=25)

OCTETS = st.builds(lambda begun, parts: begun + b"".join(parts), _BEGINNINGS, _PARTS)
CUTS = st.lists(st.integers(0, 400))
CONTENT = st.lists(st.sampled_from(_PIECES), max_size=20).map(b"".join)


def pieces(octets: bytes, cuts: list[int]) -> list[bytes]:
    """Cut `octets` at the places in `cuts`."""
    at = sorted({0, *(cut for cut in cuts if cut < len(octets)), len(octets)})
    return [octets[a:b] for a, b in itertools.pairwise(at)]


Run = tuple[list[Event], list[Message], bytes]


def run(cut: list[bytes], limits: SmtpLimits = LIMITS, service: Service = SUBMISSION) -> Run:
    """Feed the pieces one by one, then close; return events (without content) and what came."""
    owner = FakeOwner()
    server = SmtpServer(limits, NAME, service)
    sent = converse(server, owner)
    for piece in cut:
        server.receive(piece)
        sent += converse(server, owner)
    server.receive_eof()
    sent += converse(server, owner)
    assert server.next_event() is Signal.CLOSED
    assert owner.open is None
    told: list[Event] = [event for event in owner.events if not isinstance(event, ContentGiven)]
    return told, owner.delivered, sent


_LINE = re.compile(rb"([2345][0-9][0-9])([ -])(?:([245])\.[0-9]\.[0-9] )?[ -~]*[!-~]")


def read_replies(sent: bytes) -> list[int]:
    """Return the codes of the replies. Raises ValueError if one is not well-formed."""
    codes: list[int] = []
    is_continued = False
    *lines, rest = sent.split(b"\r\n")
    if rest:
        raise ValueError("a reply does not end")
    for line in lines:
        match = _LINE.fullmatch(line)
        if line != b"334 " and (match is None or len(line) > 510):
            raise ValueError(f"not a reply: {line!r}")
        if match and match[3] not in (None, line[:1]):
            raise ValueError(f"code and enhanced code differ: {line!r}")
        if is_continued and codes[-1] != int(line[:3]):
            raise ValueError(f"a reply changes its code: {line!r}")
        if not is_continued:
            codes.append(int(line[:3]))
        is_continued = line[3:4] == b"-"
    if is_continued:
        raise ValueError("a reply breaks off")
    return codes
