# SPDX-License-Identifier: Apache-2.0
"""OpenPGP packets and subpackets of signatures: read in all their forms, written in one.

Trust: anybody may have made the octets.
"""

from collections.abc import Iterator
from dataclasses import dataclass

# Packets that are looked at: a key that a thousand people signed has some thousands.
MAX_PACKETS = 20_000

SIGNATURE, SECRET_KEY, PUBLIC_KEY, SECRET_SUBKEY, MARKER, TRUST = 2, 5, 6, 7, 10, 12
USER_ID, PUBLIC_SUBKEY, USER_ATTRIBUTE, PADDING = 13, 14, 17, 21


class Damaged(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """These octets are no packet, or only the beginning of one."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What a packet is (RFC 9580 5) and what it holds."""

    tag: int
    body: bytes


def packets(octets: bytes) -> Iterator[Packet]:
    """Yield the packets of a key. Raises Damaged where another kind of octets stands."""
    at = 0
    for _ in range(MAX_PACKETS):
        if at >= len(octets):
            return
        first = octets[at]
        if not first & 0x80:
            raise Damaged
        if first & 0x40:
            tag = first & 0x3F
            size, start = _new_length(octets, at + 1)
        else:
            tag = first >> 2 & 0x0F
            size, start = _old_length(octets, at + 1, first & 3)
        at = start + size
        if at > len(octets):
            raise Damaged
        yield Packet(tag, octets[start:at])
    raise Damaged


def _new_length(octets: bytes, at: int) -> tuple[int, int]:
    """Return the length that stands at `at` and where it ends; partial ones are for data alone."""
    first = octets[at] if at < len(octets) else 255
    if first < 192:
        return first, at + 1
    if first < 224:
        return (first - 192 << 8) + _number(octets, at + 1, 1) + 192, at + 2
    if first < 255:
        raise Damaged
    return _number(octets, at + 1, 4), at + 5


def _old_length(octets: bytes, at: int, kind: int) -> tuple[int, int]:
    if kind == 3:  # up to the end of the file: for data alone
        raise Damaged
    size = 1 << kind
    return _number(octets, at, size), at + size


def _number(octets: bytes, at: int, size: int) -> int:
    if at + size > len(octets):
        raise Damaged
    return int.from_bytes(octets[at : at + size], "big")


def write_packet(packet: Packet) -> bytes:
    """Return a packet with a header of the current form (RFC 9580 4.2.1)."""
    size = len(packet.body)
    if size < 192:
        length = bytes((size,))
    elif size < 8_384:
        length = bytes(((size - 192 >> 8) + 192, size - 192 & 0xFF))
    else:
        length = b"\xff" + size.to_bytes(4, "big")
    return bytes((0xC0 | packet.tag,)) + length + packet.body


@dataclass(frozen=True, slots=True)
class Subpacket:
    """Something that a signature says (RFC 9580 5.2.3.7)."""

    kind: int
    body: bytes
    octets: bytes  # with length and type, as it stood


def subpackets(octets: bytes) -> Iterator[Subpacket]:
    """Yield the subpackets of an area. Raises Damaged where it is none."""
    at = 0
    while at < len(octets):
        first = octets[at]
        if first < 192:
            size, start = first, at + 1
        elif first < 255:
            size, start = (first - 192 << 8) + _number(octets, at + 1, 1) + 192, at + 2
        else:
            size, start = _number(octets, at + 1, 4), at + 5
        end = start + size
        if not size or end > len(octets):
            raise Damaged
        yield Subpacket(octets[start] & 0x7F, octets[start + 1 : end], octets[at:end])
        at = end
