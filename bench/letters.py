# SPDX-License-Identifier: Apache-2.0
"""The messages that a load is made of: each is unique, and can be proven whole when it comes back.

A body is one line with the letter's token and then a filler that all letters of a size share, so
that a whole body is checked by one comparison. The header holds what a client would give away.
"""

import base64
import random
from dataclasses import dataclass

GIVEN_AWAY = (b"bench-host.invalid", b"BenchMUA/7", b"192.0.2.77")
"""Host name, program and address of the client: in no message that comes back."""

_HEADER = (
    b"Received: from bench-host.invalid (bench-host.invalid [192.0.2.77]) by localhost; "
    b"Mon, 23 Nov 2026 10:11:12 +0100\r\n"
    b"Date: Mon, 23 Nov 2026 10:11:12 +0100\r\n"
    b"From: Some Body <%b>\r\n"
    b"To: Any One <%b>\r\n"
    b"Subject: Letter %b\r\n"
    b"Message-ID: <%b@bench-host.invalid>\r\n"
    b"User-Agent: BenchMUA/7\r\n"
    b"X-Originating-IP: [192.0.2.77]\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 7bit\r\n"
    b"\r\n"
)
_TOKEN_LINE = b"Token: %b\r\n"
_TOKEN_OCTETS = 16


class Mangled(Exception):  # noqa: N818 - what a message is, not a fault of the program
    """A message came back that is not, octet for octet, the body that was sent."""


@dataclass(frozen=True, slots=True)
class Stationery:
    """What all letters of one size have in common."""

    filler: bytes  # CRLF lines, no line begins with a dot, without the last CRLF

    def letter(self, sender: bytes, recipient: bytes, token: bytes) -> bytes:
        """Return a letter as DATA wants it: CRLF lines, nothing to dot-stuff, with its last dot."""
        return b"".join(
            (
                _HEADER % (sender, recipient, token, token),
                _TOKEN_LINE % token,
                self.filler,
                b"\r\n.\r\n",
            )
        )

    def token_of(self, message: bytes) -> bytes:
        """Return the token of a message without its last CRLF; its body is proven whole.

        Raises Mangled.
        """
        if not message.endswith(self.filler):
            raise Mangled(f"another body came back, of {len(message)} octets")
        body_at = message.find(b"\r\n\r\n") + 4
        token_at = body_at + 7
        token = message[token_at : token_at + _TOKEN_OCTETS]
        line = _TOKEN_LINE % token
        if message[body_at : len(message) - len(self.filler)] != line:
            raise Mangled("something stands before the body, or its first line is another")
        return token


def stationery(body_octets: int) -> Stationery:
    """Return stationery for bodies of about `body_octets`: base64, which hardly compresses."""
    chance = random.Random(body_octets)  # the same letters in every run and for both sides
    wanted = max(body_octets - len(_TOKEN_LINE % (b"0" * _TOKEN_OCTETS)) - 2, 78)
    lines = base64.encodebytes(chance.randbytes(wanted * 3 // 4)).replace(b"\n", b"\r\n")
    return Stationery(lines[:wanted].rstrip())


def token(run: int, number: int) -> bytes:
    """Return the token of letter `number` in a run."""
    return b"%08x%08x" % (run, number)


def gives_away(message: bytes) -> bool:
    """Tell whether a message still says who its client was."""
    return any(secret in message for secret in GIVEN_AWAY)
