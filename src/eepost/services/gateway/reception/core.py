# SPDX-License-Identifier: Apache-2.0
"""What reception needs of the core and of this machine's disk."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from eepost.wire.transfer.messages import Incoming, Standing, Taken

Pieces = Sequence[bytes | memoryview]


class CoreUnreachable(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The core can't be reached, or the link broke before it answered; what it did is not known."""


class CoreDeclined(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The core is there and can't deal with this now; it did nothing."""


class Core(Protocol):
    """The core, over the link."""

    def standing(self, recipient: str, reverse_path: str, peer: bytes) -> Awaitable[Standing]:
        """Return whether mail may come in. Raises CoreUnreachable, CoreDeclined."""

    def take(self, order: Incoming, content: Pieces) -> Awaitable[Taken]:
        """Hand a message over; durable there on return. Raises CoreUnreachable, CoreDeclined.

        `order.exchange` is chosen by the adapter. Cancelling takes the message back, as far as the
        core has not dealt with it yet.
        """


class Parcels(Protocol):
    """Sealed mail on the disk, by the transfer it belongs to."""

    def put(self, transfer: bytes, parcel: Sequence[bytes]) -> Awaitable[bool]:
        """Keep a parcel, durable on return; False where there is no room. Raises OSError."""

    def oldest(self, count: int) -> Awaitable[Sequence[bytes]]:
        """Return up to `count` transfers, those first that are kept longest. Raises OSError."""

    def get(self, transfer: bytes) -> Awaitable[bytes | None]:
        """Return a parcel, None if it is gone. Raises OSError."""

    def age_seconds(self, transfer: bytes) -> float:
        """Return how long a parcel has been kept, 0 if it is gone."""

    def remove(self, transfer: bytes) -> Awaitable[None]:
        """Forget a parcel."""
