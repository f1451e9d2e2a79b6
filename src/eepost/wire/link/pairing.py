# SPDX-License-Identifier: Apache-2.0
"""What one side of a link knows of itself and of the other: roles, destinations, a secret.

The secret is what counts: the router's access list keeps strangers away, but any process on either
machine can reach a loopback port. Destinations and roles are bound into every proof, so that a
proof made for one pair of seats is worth nothing in any other.
"""

import re
import tomllib
from dataclasses import dataclass, field
from enum import Enum

SECRET_OCTETS = 32
DESTINATION_OCTETS = 32  # SHA-256 of an I2P destination
# A pairing file is five lines; a wrong path may lead to anything.
MAX_FILE_OCTETS = 4_096

_HEX_32 = re.compile(r"[0-9a-f]{64}")
_KEYS = frozenset({"version", "role", "destination", "secret"})


class Role(Enum):
    """Who a side is."""

    CORE = "core"
    GATEWAY = "gateway"


class Malformed(Exception):  # noqa: N818 - the caller words it for the operator
    """A pairing file is not one; the text says why and holds nothing of its content."""


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a link: its role and the hash of its destination."""

    role: Role
    destination: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.destination) != DESTINATION_OCTETS:
            raise ValueError("a destination's hash has 32 octets")


@dataclass(frozen=True, slots=True)
class Pairing:
    """Both ends as one of them sees it, and what only they know."""

    own: Side
    other: Side
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != SECRET_OCTETS:
            raise ValueError("a link's secret has 32 octets")

    def mirrored(self) -> "Pairing":
        """Return the same pairing as the other side sees it."""
        return Pairing(own=self.other, other=self.own, secret=self.secret)


def format_pairing(pairing: Pairing) -> str:
    """Return the file that `pairing.own` keeps: what it needs to know of the other side."""
    return (
        "# The other side of an eepost link and the secret shared with it. Keep it private.\n"
        "version = 1\n"
        f'role = "{pairing.other.role.value}"\n'
        f'destination = "{pairing.other.destination.hex()}"\n'
        f'secret = "{pairing.secret.hex()}"\n'
    )


def parse_pairing(text: str, own: Side) -> Pairing:
    """Return the pairing in a file that `own` keeps. Raises Malformed."""
    if len(text) > MAX_FILE_OCTETS:
        raise Malformed("is too large for a pairing file")
    try:
        fields = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        # The parser's own words and its exception quote what may be the secret.
        raise Malformed("is not TOML") from None
    if frozenset(fields) != _KEYS or fields["version"] != 1:
        raise Malformed("needs version = 1, role, destination and secret, and nothing else")
    roles = {role.value: role for role in Role}
    role = roles.get(fields["role"]) if isinstance(fields["role"], str) else None
    if role is None or role is own.role:
        raise Malformed("names a role that is not the other side's")
    other = Side(role, _octets(fields["destination"]))
    return Pairing(own, other, _octets(fields["secret"]))


def _octets(value: object) -> bytes:
    if not isinstance(value, str) or not _HEX_32.fullmatch(value):
        raise Malformed("destination and secret are 64 hexadecimal digits in lower case")
    return bytes.fromhex(value)
