# SPDX-License-Identifier: Apache-2.0
"""Fuzz target: the POP3 engine under any octets, cuts and answers.

`python -m tests.fuzz.fuzz_pop3 -max_total_time=60` runs it by hand. The first two octets of an
input choose the owner's answers and the size of the pieces, the rest is what the peer sends.
"""

import sys

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["eepost.wire"]):
    from eepost.wire.pop3.limits import Pop3Limits
    from eepost.wire.pop3.listing import Listing
    from eepost.wire.pop3.server import Pop3Server

from tests.engines.pop3.owner import FakeOwner, converse
from tests.engines.pop3.reading import read_replies
from tests.engines.pop3.trust import watch
from tests.fuzz.running import PLANTED

MESSAGES = [b"A: 1\r\n\r\n.one\r\n", b"A: 2\r\n\r\n" + b"two\r\n.\r\n" * 20]


def one_input(octets: bytes) -> None:
    """Assert the order of trust, well-formed replies and that cutting changes nothing."""
    choices, piece_octets, sent = octets[:1], octets[1:2], octets[2:]
    bits = choices[0] if choices else 0
    answers = iter([bool(bits >> at & 1) for at in range(8)])
    watch(Pop3Server(Pop3Limits()), sent, lambda: next(answers, True))
    whole = session(sent, len(sent) or 1)
    read_replies(whole)
    assert session(sent, piece_octets[0] + 1 if piece_octets else 1) == whole


def session(octets: bytes, piece_octets: int) -> bytes:
    """Return all replies to `octets` that come in pieces."""
    owner = FakeOwner(MESSAGES)
    server = Pop3Server(Pop3Limits())
    replies = converse(server, owner)
    for at in range(0, len(octets), piece_octets):
        server.receive(octets[at : at + piece_octets])
        replies += converse(server, owner)
    server.receive_eof()
    return replies + converse(server, owner)


def plant() -> None:
    """Break the engine where only a session with a certain order of commands comes by."""
    undelete = Listing.undelete

    def broken(listing: Listing) -> None:
        assert not listing.deleted, "planted"
        undelete(listing)

    Listing.undelete = broken  # type: ignore[method-assign,assignment]


def main() -> None:
    """Fuzz until the limits in the arguments are reached."""
    if PLANTED in sys.argv:
        sys.argv.remove(PLANTED)
        plant()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
