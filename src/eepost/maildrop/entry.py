# SPDX-License-Identifier: Apache-2.0
"""The index entry as octets, and the contexts that bind sealed things to their place.

Entries are packed by struct: a listing of hundreds is opened at every login.
"""

from struct import Struct, error

from eepost.maildrop.model import Encapsulation, IndexEntry
from eepost.seal.broken import SealBroken

# Order, size, arrival and the unique-id's 26 characters. The unique-id stands as text, since
# base32 of a hundred entries would take longer than opening them.
_ENTRY = Struct(">QQQ26s")
_CONTEXT = Struct(">QIQ")

UNIQUE_ID_CHARACTERS = 26


def pack_entry(order: int, size_octets: int, unique_id: bytes, arrived_utc: int) -> bytes:
    """Return an index entry as octets, the unique-id given as 26 ASCII characters."""
    return _ENTRY.pack(order, size_octets, arrived_utc, unique_id)


def unpack_entry(octets: bytes) -> IndexEntry:
    """Return the index entry that `pack_entry` wrote. Raises SealBroken for another length."""
    try:
        order, size_octets, arrived_utc, unique_id = _ENTRY.unpack(octets)
    except error:
        raise SealBroken from None
    return IndexEntry(order, size_octets, unique_id.decode("ascii"), arrived_utc)


def encapsulation_context(account: int, generation: int, number: int) -> bytes:
    """Return what an encapsulation is bound to: nobody's else, and no other row's."""
    return b"eepost sealing key 1" + _CONTEXT.pack(account, generation, number)


def context_of(encapsulation: Encapsulation) -> bytes:
    """Return the context that a stored encapsulation must have been made for."""
    return encapsulation_context(
        encapsulation.account, encapsulation.generation, encapsulation.number
    )
