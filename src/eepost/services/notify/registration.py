# SPDX-License-Identifier: Apache-2.0
"""The first lines of a session: a nick, and who the bot is to the network's services.

Trust: the server. It gets the bot's password if there is one, as any server would.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from eepost.services.notify.lines import say

REAL_NAME: Final = "tells users of new mail; .help"
# Other nicks tried before one is made up by chance.
_TAILS: Final = ("_", "__", "-")
_MAX_NICK_CHARACTERS: Final = 9  # RFC 1459 1.2; what every server takes
# IRCv3 sasl-3.1: responses go out in pieces, and a shorter one ends them.
_SASL_PIECE: Final = 400


class Means(Enum):
    """How the bot logs in to services."""

    NONE = "none"
    SASL = "sasl"
    NICKSERV = "nickserv"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot is."""

    nick: str
    means: Means = Means.NONE
    account: str = ""
    password: str = field(default="", repr=False)


class Registration:
    """Says what a server wants to hear until it knows the bot."""

    __slots__ = ("_chance", "_identity", "_is_asked", "_tries", "is_refused")

    def __init__(self, identity: Identity, chance: Callable[[], float]) -> None:
        self._identity = identity
        self._chance = chance
        self._tries = 0
        self._is_asked = False  # for the password, by a server that we asked to ask
        self.is_refused = False  # services did not take the password

    def first(self) -> bytes:
        """Return the lines that begin a session."""
        identity = self._identity
        ask = say("CAP", "REQ", "sasl") if identity.means is Means.SASL else b""
        return ask + say("NICK", identity.nick) + say("USER", identity.nick, "0", "*", REAL_NAME)

    def other_nick(self) -> bytes:
        """Return the line that asks for another nick than the last one."""
        if self._tries < len(_TAILS):
            nick = self._identity.nick + _TAILS[self._tries]
        else:
            digits = f"{int(self._chance() * 10_000):04d}"
            nick = self._identity.nick[: _MAX_NICK_CHARACTERS - len(digits)] + digits
        self._tries += 1
        return say("NICK", nick)

    def capability(self, parameters: list[str]) -> bytes:
        """Answer CAP."""
        if self._identity.means is not Means.SASL or len(parameters) < 3:
            return b""
        match parameters[1].upper():
            case "ACK" if "sasl" in parameters[2].split():
                self._is_asked = True
                return say("AUTHENTICATE", "PLAIN")
            case "NAK":
                return self.ended(is_refused=True)
        return b""

    def challenge(self, parameters: list[str]) -> bytes:
        """Answer AUTHENTICATE + (RFC 4616), once."""
        identity = self._identity
        if not self._is_asked or parameters != ["+"]:
            return b""
        self._is_asked = False
        text = b64encode(f"\0{identity.account}\0{identity.password}".encode()).decode("ascii")
        pieces = [text[at : at + _SASL_PIECE] for at in range(0, len(text), _SASL_PIECE)]
        if len(pieces[-1]) == _SASL_PIECE:
            pieces.append("+")
        return b"".join(say("AUTHENTICATE", each) for each in pieces)

    def ended(self, *, is_refused: bool) -> bytes:
        """Go on, logged in or not: whoever wants to be sure who the bot is can see it."""
        self.is_refused = is_refused
        return say("CAP", "END")

    def afterwards(self) -> bytes:
        """Return what is said once the server has said all of its greeting."""
        identity = self._identity
        if identity.means is not Means.NICKSERV:
            return b""
        return say("PRIVMSG", "NickServ", f"IDENTIFY {identity.account} {identity.password}")
