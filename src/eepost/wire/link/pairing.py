# SPDX-License-Identifier: Apache-2.0
"""What one side of a link knows of itself and of the other: roles, destinations, a secret.

The secret is what counts: the router's access list keeps strangers away, but any process on either
machine can reach a loopback port. Destinations and roles are bound into every proof, so that a
proof made for one pair of seats is worth nothing in any other.
"""

from dataclasses import dataclass, field
from enum import Enum

SECRET_OCTETS = 32
DESTINATION_OCTETS = 32  # SHA-256 of an I2P destination


class Role(Enum):
    """Who a side is."""

    CORE = "core"
    GATEWAY = "gateway"


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
