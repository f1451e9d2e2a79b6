# SPDX-License-Identifier: Apache-2.0
"""Our one Authentication-Results field: what the gateway found out about who sent a message.

Written in one shape, and read only in that shape, so that nothing else passes for it (RFC 8601).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

_NAME: Final = b"Authentication-Results"
_DOMAIN: Final = rb"[a-z0-9_.-]{1,255}"
_RESULT: Final = rb"[a-z]{2,12}"
_METHOD: Final = rb"(?:spf|dkim|arc|dmarc)=" + _RESULT
_PROPERTY: Final = rb"(?:smtp\.(?:mailfrom|helo)|header\.(?:d|from)|arc\.sealer|policy\.dmarc)="
_VERDICT: Final = re.compile(
    rb"Authentication-Results: "
    + _DOMAIN
    + rb"(?:;\r\n "
    + _METHOD
    + rb"(?: "
    + _PROPERTY
    + _DOMAIN
    + rb")*){1,9}\r\n"
)


@dataclass(frozen=True, slots=True)
class Method:
    """One method's result: `properties` say whom it is about, each a domain."""

    name: str  # spf, dkim, arc or dmarc
    result: str
    properties: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        about = "".join(f" {name}={value}" for name, value in self.properties if value)
        return f"{self.name}={self.result}{about}"


def write_verdict(host: str, methods: Iterable[Method]) -> bytes:
    """Return the field with its CRLF; `host` is the gateway's own name in the DNS."""
    lines = [f"{_NAME.decode()}: {host}", *(f" {each}" for each in methods)]
    return ";\r\n".join(lines).encode("ascii") + b"\r\n"


def leading_verdict(message: bytes | bytearray) -> bytes:
    """Return the field if `message` begins with one in our shape, nothing otherwise."""
    found = _VERDICT.match(message)
    return found[0] if found else b""
