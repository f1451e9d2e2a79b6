# SPDX-License-Identifier: Apache-2.0
"""Signatures: who made one, whom it names, and what of it may go (RFC 9580 5.2).

Trust: anybody may have made the octets.

What is hashed can't be changed: a signature that says more there than it must is of no use here.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from eepost.sanitise.openpgp.packets import SIGNATURE, Damaged, Subpacket, packets, subpackets

ISSUER, SIGNERS_USER_ID, EMBEDDED, ISSUER_FINGERPRINT = 16, 28, 32, 33
# What a signature by a key on itself has to say: times, uses, preferences, who made it. Notations,
# policies and addresses of servers may hold anything, and others' keys (revokers) name others.
_KEPT = frozenset(
    {
        *(2, 3, 4, 7, 9, 11, ISSUER, 21, 22, 23, 25, 27, 29, 30, EMBEDDED, ISSUER_FINGERPRINT),
        *(34, 39),
    }
)
# Of what is not hashed, what finds the key and proves that a subkey agrees.
_KEPT_UNHASHED = frozenset((ISSUER, EMBEDDED, ISSUER_FINGERPRINT))

IsOwn = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature's parts: `before` and `after` are what stands around its unhashed area."""

    kind: int
    hashed: tuple[Subpacket, ...]
    unhashed: tuple[Subpacket, ...]
    before: bytes
    after: bytes
    width: int  # octets of an area's length
    old_issuer: bytes = b""  # version 3 has no areas

    def issuers(self) -> list[bytes]:
        """Return the key identifiers and fingerprints that it names as its maker's."""
        areas = (*self.hashed, *self.unhashed)
        found = [each.body for each in areas if each.kind == ISSUER]
        found += [each.body[1:] for each in areas if each.kind == ISSUER_FINGERPRINT]
        return found + ([self.old_issuer] if self.old_issuer else [])

    def user_ids(self) -> list[bytes]:
        """Return the user ids that it names as its maker's."""
        areas = (*self.hashed, *self.unhashed)
        return [each.body for each in areas if each.kind == SIGNERS_USER_ID]


def parse_signature(body: bytes) -> Signature:
    """Return the signature that a packet holds. Raises Damaged where it can't be read."""
    if len(body) < 10:
        raise Damaged
    if body[0] == 3 and len(body) >= 15:
        return Signature(body[2], (), (), body, b"", 0, body[7:15])
    if body[0] not in {4, 6}:
        raise Damaged
    width = 2 if body[0] == 4 else 4
    hashed, hashed_end = _area(body, 4, width)
    unhashed, end = _area(body, hashed_end, width)
    return Signature(body[1], hashed, unhashed, body[:hashed_end], body[end:], width)


def _area(body: bytes, at: int, width: int) -> tuple[tuple[Subpacket, ...], int]:
    start = at + width
    end = start + int.from_bytes(body[at:start], "big")
    if end > len(body):
        raise Damaged
    return tuple(subpackets(body[start:end])), end


def clean_signature(signature: Signature, is_own: IsOwn) -> bytes | None:
    """Return what may go of a signature by a key on itself, None where it says too much.

    `is_own` says whether a user id is the sender's own.
    """
    if not signature.width:
        return signature.before
    for each in signature.hashed:
        if each.kind == SIGNERS_USER_ID and is_own(each.body):
            continue
        if each.kind not in _KEPT or (each.kind == EMBEDDED and not _is_quiet(each.body)):
            return None
    kept = [each for each in signature.unhashed if each.kind in _KEPT_UNHASHED]
    area = b"".join(_embedded(each) if each.kind == EMBEDDED else each.octets for each in kept)
    length = len(area).to_bytes(signature.width, "big")
    return signature.before + length + area + signature.after


def _is_quiet(body: bytes) -> bool:
    """Say whether a signature inside a hashed area says no more than it must."""
    return _cleaned_inside(parse_signature(body)) == body


def _embedded(subpacket: Subpacket) -> bytes:
    """Return the subpacket with the signature in it cleaned, nothing where it says too much."""
    cleaned = _cleaned_inside(parse_signature(subpacket.body))
    if cleaned is None:
        return b""
    return b"\xff" + struct.pack(">IB", len(cleaned) + 1, EMBEDDED) + cleaned


def _cleaned_inside(signature: Signature) -> bytes | None:
    # One in one is enough: no further ones are followed.
    if any(each.kind == EMBEDDED for each in (*signature.hashed, *signature.unhashed)):
        return None
    return clean_signature(signature, lambda _: False)


def names_another(octets: bytes, is_own: IsOwn) -> bool:
    """Say whether a signature in `octets` (binary) names a user id that is not the sender's own."""
    try:
        found = [parse_signature(each.body) for each in packets(octets) if each.tag == SIGNATURE]
    except Damaged:
        return False
    return not all(is_own(user_id) for each in found for user_id in each.user_ids())
