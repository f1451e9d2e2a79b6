# SPDX-License-Identifier: Apache-2.0
"""Bounds what all messages that are being received at once may take of the memory."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Transit:
    """Octets of content held for sessions, against one limit for all of them."""

    limit_octets: int
    octets: int = 0

    def reserve(self, octets: int) -> bool:
        """Take room, or say that there is none."""
        if self.octets + octets > self.limit_octets:
            return False
        self.octets += octets
        return True

    def release(self, octets: int) -> None:
        """Give room back."""
        self.octets -= octets


@dataclass(slots=True)
class Share:
    """One peer's part of a `whole`: what it holds leaves the others theirs.

    `limit_octets` is asked each time, since peers come and go.
    """

    whole: Transit
    limit_octets: Callable[[], int]
    octets: int = 0

    def reserve(self, octets: int) -> bool:
        """Take room, or say that there is none."""
        if self.octets + octets > self.limit_octets() or not self.whole.reserve(octets):
            return False
        self.octets += octets
        return True

    def release(self, octets: int) -> None:
        """Give room back."""
        self.octets -= octets
        self.whole.release(octets)
