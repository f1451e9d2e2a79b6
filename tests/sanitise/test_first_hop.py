# SPDX-License-Identifier: Apache-2.0
import pytest

from eepost.mail.header import split_header
from eepost.sanitise.choices import Choices
from eepost.sanitise.first_hop import first_hop
from eepost.sanitise.inbound import UNDECIDED, Inbound, sanitise_from_internet, sanitise_to_user
from eepost.sanitise.outcome import Sanitised

TRACE = (
    b"Received: from mx by last.example; Mon, 23 Nov 2026 17:00:01 +0200\r\n"
    b"Received: from laptop ([192.0.2.7])\r\n\tby First.Example with ESMTPSA id 1;\r\n"
    b"\tMon, 23 Nov 2026 16:13:59 +0200 (EET)\r\n"
)
LINE = b"First-Hop: by first.example; Mon, 23 Nov 2026 14:13:00 +0000; hosts: 2\r\n"


def line(header: bytes) -> bytes:
    return b"".join(b"".join(each) for each in first_hop(split_header(header).fields))


@pytest.mark.parametrize(
    ("header", "written"),
    [
        (TRACE, LINE),
        (b"Received: from x (by y)\r\n", b"First-Hop: hosts: 1\r\n"),
        (
            b"Received: by -x-; 1 Jan 2026 00:00 GMT\r\n",
            b"First-Hop: Thu, 01 Jan 2026 00:00:00 +0000; hosts: 1\r\n",
        ),
        (LINE, LINE),
        (LINE * 2, LINE),
        (b"First-Hop: by somebody <b>else</b>\r\n", b""),
        (b"From: a@b\r\n", b""),
        (TRACE + b"First-Hop: hosts: 9\r\n", LINE),
    ],
)
def test_trace_becomes_one_line(header: bytes, written: bytes) -> None:
    assert line(header) == written


def pieces(outcome: object) -> bytes:
    assert isinstance(outcome, Sanitised)
    return b"".join(outcome.pieces)


@pytest.mark.parametrize("kept", [False, True])
def test_reader_gets_the_line_if_he_wants_it(kept: bool) -> None:
    message = TRACE + b"From: a@b\r\n\r\nwords\r\n"
    undecided = Inbound(bytes, choices=UNDECIDED)
    at_gateway = pieces(sanitise_from_internet(message, undecided))
    at_core = pieces(sanitise_from_internet(at_gateway, undecided))
    assert at_core == at_gateway == b"From: a@b\r\n" + LINE + b"\r\nwords\r\n"
    context = Inbound(bytes, choices=Choices(keeps_first_hop=kept))
    assert (LINE in pieces(sanitise_to_user(at_core, context))) is kept
