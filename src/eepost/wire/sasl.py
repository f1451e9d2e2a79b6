# SPDX-License-Identifier: Apache-2.0
"""The server's side of SASL PLAIN (RFC 4616) and LOGIN: what was said, not whether it is true.

Trust: anybody who can reach the port sends this.
"""

import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login as the peer wrote it, and its password; neither is empty or holds a NUL."""

    login: str
    password: str

    def __repr__(self) -> str:
        return "Credentials()"  # neither belongs in a traceback


class Fault(Enum):
    """Why a response can't be used."""

    NOT_BASE64 = "not base64"
    MALFORMED = "not what the mechanism asks for"
    FOREIGN_IDENTITY = "nobody may act for somebody else"


Answer = Credentials | Fault | bytes


class Mechanism(Protocol):
    """One exchange: a challenge, then as many responses as it asks for."""

    challenge: bytes

    def respond(self, response: bytes) -> Answer:
        """Return the credentials, what is wrong, or the next challenge; all of it decoded."""


class Plain:
    """RFC 4616: authzid NUL authcid NUL password, in one response to an empty challenge."""

    __slots__ = ()
    challenge = b""

    def respond(self, response: bytes) -> Answer:
        """Return credentials or a fault."""
        parts = response.split(b"\0")
        if len(parts) != 3:
            return Fault.MALFORMED
        identity, login, password = map(_text, parts)
        if identity is None or not login or not password:
            return Fault.MALFORMED
        # mutt and others name the login a second time here, which asks for nothing more.
        if identity and identity.casefold() != login.casefold():
            return Fault.FOREIGN_IDENTITY
        return Credentials(login, password)


class Login:
    """Two prompts (draft-murchison-sasl-login): no standard, but some know no other."""

    __slots__ = ("_login",)
    challenge = b"Username:"

    def __init__(self) -> None:
        self._login: str | None = None

    def respond(self, response: bytes) -> Answer:
        """Return the prompt for the password, credentials, or a fault."""
        said = _text(response)
        if not said or "\0" in said:
            return Fault.MALFORMED
        if self._login is None:
            self._login = said
            return b"Password:"
        return Credentials(self._login, said)


MECHANISMS: Final[Mapping[str, Callable[[], Mechanism]]] = {"PLAIN": Plain, "LOGIN": Login}


def decode_base64(line: bytes) -> bytes | None:
    """Return what `line` says, None unless it is base64 to its last character (RFC 4648 3)."""
    try:
        return binascii.a2b_base64(line, strict_mode=True)
    except binascii.Error:
        return None


def encode_base64(octets: bytes) -> bytes:
    """Return `octets` as one line of base64 without a line end."""
    return binascii.b2a_base64(octets, newline=False)


def _text(octets: bytes) -> str | None:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return None
