# SPDX-License-Identifier: Apache-2.0
"""What lies in an S/MIME message that is signed but not encrypted (RFC 8551 3.5.2, RFC 5652).

Trust: anybody may have written it; who signed it is nobody's concern here. Mail programs show what
is in it like any other mail, so it has to be looked through. Only the way to the content is
followed, in BER with and without lengths, since real programs write both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from eepost.mail.violation import PeerViolation

TYPES = frozenset(("application/pkcs7-mime", "application/x-pkcs7-mime"))
# Pieces that the content is cut into. Programs cut at 1 or 4 kB, so 64 MB have 65,536.
MAX_PIECES = 100_000
MAX_DEPTH = 16

_OCTETS, _OCTETS_IN_PIECES, _TAGGED = 0x04, 0x24, 0xA0
_SEQUENCE = b"\x30"
_UNTOLD = 0x80  # the length: up to the mark of the end
_END = b"\0\0"
_PKCS7 = bytes.fromhex("2a864886f70d0107")
_SIGNED = _PKCS7 + b"\x02"
# Nothing that a reader could show without a key of its user's.
_ENCRYPTED = frozenset(
    (
        _PKCS7 + b"\x03",
        _PKCS7 + b"\x06",
        bytes.fromhex("2a864886f70d0109100117"),  # authEnvelopedData, RFC 5083
    )
)


def signed_content(octets: bytes) -> bytes | None:
    """Return the message in signed data, None where there is none or it is encrypted.

    Raises PeerViolation where it can't be found, or is packed in another way.
    """
    reader = _Reader(octets)
    if octets[:1] != _SEQUENCE:
        return None  # nothing that a reader could open
    kind, held = reader.first(reader.element(0), 2)
    name = octets[kind.start : kind.end]
    if name in _ENCRYPTED:
        return None
    if name != _SIGNED:
        raise PeerViolation("packed in an unknown way")
    (data,) = reader.first(held, 1)
    _version, _digests, encapsulated = reader.first(data, 3)
    wrapped = [each for each in reader.children(encapsulated) if each.tag == _TAGGED]
    if not wrapped:
        return None  # only certificates, or what is signed stands elsewhere
    (content,) = reader.first(wrapped[0], 1)
    return b"".join(reader.pieces(content))


@dataclass(frozen=True, slots=True)
class _Element:
    tag: int
    start: int  # of what is in it
    end: int
    next: int  # where the one behind it begins


@dataclass(slots=True)
class _Reader:
    """Reads elements; counts them, so that no message is read for ever."""

    octets: bytes
    left: int = MAX_PIECES

    def element(self, at: int, depth: int = 0) -> _Element:
        """Return the element at `at`. Raises PeerViolation."""
        self.left -= 1
        head = self.octets[at : at + 2]
        if len(head) < 2 or head[0] & 0x1F == 0x1F or depth > MAX_DEPTH or self.left < 0:
            raise PeerViolation("not to be followed")
        tag, length, start = head[0], head[1], at + 2
        if length == _UNTOLD:
            end = start
            while self.octets[end : end + 2] != _END:
                end = self.element(end, depth + 1).next
            return _Element(tag, start, end, end + 2)
        if length > _UNTOLD:
            size = length - _UNTOLD
            length = int.from_bytes(self.octets[start : start + size], "big")
            start += size
        if start + length > len(self.octets):
            raise PeerViolation("cut short")
        return _Element(tag, start, start + length, start + length)

    def children(self, of: _Element) -> Iterator[_Element]:
        """Yield the elements in one."""
        at = of.start
        while at < of.end:
            child = self.element(at)
            yield child
            at = child.next

    def first(self, of: _Element, count: int) -> list[_Element]:
        """Return the first `count` elements in one. Raises PeerViolation where there are fewer."""
        found = list(islice(self.children(of), count))
        if len(found) < count:
            raise PeerViolation("too little in it")
        return found

    def pieces(self, of: _Element, depth: int = 0) -> Iterator[bytes]:
        """Yield the octets in a string, whole or in pieces. Raises PeerViolation."""
        if of.tag == _OCTETS:
            yield self.octets[of.start : of.end]
        elif of.tag == _OCTETS_IN_PIECES and depth <= MAX_DEPTH:
            for child in self.children(of):
                yield from self.pieces(child, depth + 1)
        else:
            raise PeerViolation("no octets")
