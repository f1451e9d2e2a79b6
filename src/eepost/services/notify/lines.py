# SPDX-License-Identifier: Apache-2.0
"""Lines of IRC: cut from what a server sends, and made of what is said to it.

The library reads and writes single lines; what it does not do is bound them, nor survive lines
that are none. RFC 1459 2.3 ends lines with CR LF; servers exist that end them with LF alone, so
that is taken as well.

Trust: a server that may be hostile, and through it anybody on IRC.
"""

import re
from typing import Final

from irctokens.line import Line, build, tokenise

from eepost.mail.violation import PeerViolation

# RFC 2812 2.3: 512 with CR LF; tags take up to 8191 more, and nobody asked for any.
MAX_LINE_OCTETS: Final = 16_384
MAX_SAID_OCTETS: Final = 510
# What no line of ours may hold: it would end the line and begin another command.
_LINE_ENDS: Final = re.compile(r"[\0\r\n]")
# RFC 2812 2.3.1, and the length that no network exceeds. What is no nick is never said to.
_NICK: Final = re.compile(r"[A-Za-z\[\]\\`_^{|}][A-Za-z0-9\[\]\\`_^{|}-]{0,62}", re.ASCII)
_ACCOUNT: Final = re.compile(r"[!-9;-~][!-~]{0,62}", re.ASCII)
_LOWER: Final = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "abcdefghijklmnopqrstuvwxyz",
)


def folded(name: str) -> str:
    """Return a nick or an account for comparing.

    Only letters are folded, whatever CASEMAPPING a server claims: two names that are one to a
    server may be two here, which costs a notice; never the other way, which would misdirect one.
    """
    return name.translate(_LOWER)


def is_nick(text: str) -> bool:
    """Whether it can be a nick."""
    return _NICK.fullmatch(text) is not None


def is_services_account(text: str) -> bool:
    """Whether it can be an account with a network's services; `*` and `0` mean none."""
    return text not in {"*", "0"} and _ACCOUNT.fullmatch(text) is not None


def say(command: str, *parameters: str) -> bytes:
    """Return one line with its CR LF, cut to what a server takes."""
    clean = [_LINE_ENDS.sub(" ", each) for each in parameters]
    text = build(command, clean).format()
    return text.encode("utf-8", "replace")[:MAX_SAID_OCTETS] + b"\r\n"


class LineCutter:
    """Gives whole lines of what came in any pieces."""

    __slots__ = ("_octets",)

    def __init__(self) -> None:
        self._octets = bytearray()

    def feed(self, octets: bytes) -> list[Line]:
        """Return the lines that are whole now. Raises PeerViolation where one does not end."""
        self._octets += octets
        *whole, rest = self._octets.split(b"\n")
        self._octets = rest
        if len(rest) > MAX_LINE_OCTETS or any(len(each) > MAX_LINE_OCTETS for each in whole):
            raise PeerViolation("line too long")
        return [line for each in whole if (line := _read(bytes(each))) is not None]


def _read(octets: bytes) -> Line | None:
    """Return what a line says; None for what is no line, which costs nobody anything."""
    try:
        return tokenise(octets.strip(b"\r"))
    except (ValueError, IndexError):  # the library's answers to emptiness and odd octets
        return None
