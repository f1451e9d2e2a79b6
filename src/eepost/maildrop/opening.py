# SPDX-License-Identifier: Apache-2.0
"""Opens what lies in a maildrop, with the private keys that its owner's password opened.

Duty: list and read one maildrop for one session. Must not let one damaged row hide the others.

Trust: whoever can write to the disk could have put anything there; what does not open under the
owner's keys, at the place it was sealed for, is left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from struct import Struct

from eepost.maildrop.entry import UNIQUE_ID_CHARACTERS, context_of, unpack_entry
from eepost.maildrop.model import Encapsulation, IndexEntry, StoredEntry
from eepost.seal.broken import SealBroken
from eepost.seal.keypair import PrivateKey, open_encapsulation
from eepost.seal.segments import (
    SEALING_KEY_OCTETS,
    SealingKey,
    content_segments,
    open_entry,
    open_segment,
)

_LISTED = Struct(f">QQQQQ{UNIQUE_ID_CHARACTERS}s")


@dataclass(frozen=True, slots=True)
class Listed:
    """A message as its owner sees it in a listing."""

    number: int
    encapsulation: int
    entry: IndexEntry

    @property
    def segments(self) -> int:
        """How many segments hold its content, at least 1."""
        return content_segments(self.entry.size_octets)


def pack_listing(listed: Iterable[Listed]) -> bytes:
    """Return a listing as octets: what it tells is as secret as the entries that were sealed."""
    return b"".join(
        _LISTED.pack(
            each.number,
            each.encapsulation,
            each.entry.order,
            each.entry.size_octets,
            each.entry.arrived_utc,
            each.entry.unique_id.encode("ascii"),
        )
        for each in listed
    )


def unpack_listing(octets: bytes) -> list[Listed]:
    """Return the listing that `pack_listing` wrote."""
    return [
        Listed(number, encapsulation, IndexEntry(order, size, unique_id.decode("ascii"), arrived))
        for number, encapsulation, order, size, arrived, unique_id in _LISTED.iter_unpack(octets)
    ]


class Opener:
    """Holds one owner's private keys, and the sealing keys that they have opened so far.

    `unopened` counts entries left out for want of their sealing key (sealed to a generation that
    only the recovery code opens, or its encapsulation is damaged), `damaged` those that are
    themselves not what was stored.
    """

    __slots__ = ("_keys", "_sealing_keys", "damaged", "unopened")

    def __init__(self, keys: Mapping[int, PrivateKey]) -> None:
        """Open with `keys`, the private keys by generation."""
        self._keys = keys
        self._sealing_keys: dict[int, SealingKey | None] = {}
        self.unopened = 0
        self.damaged = 0

    def needs(self, stored: Iterable[StoredEntry | Listed]) -> bool:
        """Some of `stored` are under an encapsulation that was not learnt yet."""
        known = self._sealing_keys
        return any(each.encapsulation not in known for each in stored)

    def learn(self, encapsulations: Iterable[Encapsulation]) -> dict[int, bytes]:
        """Open encapsulations that are new and return what was in them, by their number.

        Each costs 0.1 ms, once, and not even that where `remind` was given it.
        """
        opened = {}
        for each in encapsulations:
            if each.number not in self._sealing_keys:
                octets = self._open(each)
                self._sealing_keys[each.number] = None if octets is None else SealingKey(octets)
                if octets is not None:
                    opened[each.number] = octets
        return opened

    def remind(self, opened: Mapping[int, bytes]) -> None:
        """Take what `learn` returned to earlier sessions of the same owner."""
        for number, octets in opened.items():
            self._sealing_keys[number] = SealingKey(octets)

    def listing(
        self, stored: Iterable[StoredEntry], encapsulations: Iterable[Encapsulation] = ()
    ) -> list[Listed]:
        """Return what can be opened of `stored`, in the order of arrival."""
        self.learn(encapsulations)
        keys = self._sealing_keys
        listed = []
        for each in stored:
            key = keys.get(each.encapsulation)
            if key is None:
                self.unopened += 1
                continue
            try:
                entry = unpack_entry(open_entry(key, each.number, each.entry))
            except SealBroken:
                self.damaged += 1
                continue
            listed.append(Listed(each.number, each.encapsulation, entry))
        listed.sort(key=_order)
        return listed

    def open_segment(self, listed: Listed, at: int, octets: bytes) -> bytes:
        """Return what segment `at` of a listed message holds, without padding.

        Raises SealBroken where `octets` are not that segment, whole and unchanged.
        """
        key = self._sealing_keys.get(listed.encapsulation)
        if key is None:
            raise SealBroken
        return open_segment(key, listed.number, at, octets, listed.entry.size_octets)

    def _open(self, encapsulation: Encapsulation) -> bytes | None:
        private = self._keys.get(encapsulation.generation)
        if private is None:
            return None
        try:
            octets = open_encapsulation(private, encapsulation.octets, context_of(encapsulation))
        except SealBroken:
            return None
        return octets if len(octets) == SEALING_KEY_OCTETS else None


def _order(listed: Listed) -> tuple[int, int]:
    return listed.entry.order, listed.number
