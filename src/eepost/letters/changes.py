# SPDX-License-Identifier: Apache-2.0
"""Every way in which a letterbox changes: what its log holds, one record for each.

Fields are written by position, so new ones go to the end and have a default.
"""

from typing import TypeAlias

from msgspec import Struct

from eepost.letters.model import Summary, Waiting


class Filed(Struct, frozen=True, array_like=True, tag="filed"):
    """A message was put into a folder; its octets are durable already."""

    summary: Summary


class Moved(Struct, frozen=True, array_like=True, tag="moved"):
    """Messages lie in another folder now."""

    numbers: tuple[int, ...]
    folder: str
    when_utc: int


class Marked(Struct, frozen=True, array_like=True, tag="marked"):
    """A flag was set or taken away."""

    numbers: tuple[int, ...]
    flag: int
    is_set: bool


class Erased(Struct, frozen=True, array_like=True, tag="erased"):
    """Messages are gone; their octets are removed after this."""

    numbers: tuple[int, ...]


class Spooled(Struct, frozen=True, array_like=True, tag="spooled"):
    """A message waits to leave, or what waits has changed."""

    waiting: Waiting


class Ended(Struct, frozen=True, array_like=True, tag="ended"):
    """What waited is sent or refused for good; its octets are removed after this."""

    waiting: Waiting


class Vanished(Struct, frozen=True, array_like=True, tag="vanished"):
    """The service has these unique-ids no longer, so nothing has to be remembered of them."""

    unique_ids: tuple[str, ...]


class Remembered(Struct, frozen=True, array_like=True, tag="remembered"):
    """In a log that was written anew: what is known of the service's messages."""

    next_number: int
    known: tuple[str, ...]
    unwanted: tuple[str, ...]


class Threaded(Struct, frozen=True, array_like=True, tag="threaded"):
    """Message identifiers, as hashes: those that came, and the originals of those that left.

    See `eepost.sanitise.threads` and `eepost.sanitise.sent_ids`.
    """

    known: tuple[bytes, ...] = ()
    originals: tuple[tuple[bytes, bytes], ...] = ()


Change: TypeAlias = (
    Filed | Moved | Marked | Erased | Spooled | Ended | Vanished | Remembered | Threaded
)
