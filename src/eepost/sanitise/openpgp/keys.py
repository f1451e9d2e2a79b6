# SPDX-License-Identifier: Apache-2.0
"""Public keys without names of others: who else signed them, and what else their owner is called.

Trust: anybody may have made the key.

What stays is key material, the user ids with an address of the sender, and what the key itself
signed over these. The rest says whom somebody knows and who he is elsewhere. A key of somebody
else loses all its user ids too, since nothing tells it from the sender's own under another name;
programs that know the key already take what is new in it.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from eepost.mail.address import Address
from eepost.mail.mailbox import parse_mailboxes
from eepost.mail.violation import PeerViolation
from eepost.sanitise.openpgp import packets as packet
from eepost.sanitise.openpgp.packets import Damaged, Packet, packets, write_packet
from eepost.sanitise.openpgp.signatures import IsOwn, clean_signature, parse_signature

_CERTIFICATIONS = frozenset((0x10, 0x11, 0x12, 0x13))
# By what they are over (RFC 9580 5.2.1): the key itself, a user id, a subkey.
_OVER_KEY = frozenset((0x1F, 0x20))
_OVER_USER_ID = _CERTIFICATIONS | {0x30}
_OVER_SUBKEY = frozenset((0x18, 0x28))
_BINDING = frozenset((0x18,))
# What programs note for themselves, and what stands for nothing.
_IGNORED = frozenset((packet.TRUST, packet.MARKER, packet.PADDING))
_SECRET = frozenset((packet.SECRET_KEY, packet.SECRET_SUBKEY))


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Keys as they may go on, and how much was left out."""

    octets: bytes
    dropped: int
    is_whole: bool  # nothing else stands in these octets


class IsPrivate(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """It is a private key: nobody sends one on purpose."""


def own_user_ids(addresses: Iterable[Address]) -> IsOwn:
    """Return what says whether a user id has one of `addresses` (lower case) and no other."""
    known = frozenset(addresses)

    def is_own(user_id: bytes) -> bool:
        try:
            found = parse_mailboxes(user_id)
        except PeerViolation:
            return False
        boxes = [each.address for each in found.mailboxes]
        folded = [Address(each.local_part.lower(), each.domain) for each in boxes]
        return len(folded) == 1 and not found.unreadable and folded[0] in known

    return is_own


def clean_keys(octets: bytes, is_own: IsOwn) -> Cleaned | None:
    """Return the public keys in `octets` (binary, RFC 9580 10.1) cleaned; None for anything else.

    A key that is damaged is kept as far as it can be followed. Raises IsPrivate.
    """
    cleaner = _Cleaner(is_own)
    written: list[bytes] = []
    is_whole = True
    try:
        for component in _components(octets):
            written += cleaner.clean(component)
    except Damaged:
        is_whole = False
    if not written:
        return None
    return Cleaned(b"".join(written), cleaner.dropped, is_whole)


@dataclass(slots=True)
class _Component:
    """A key, user id or subkey, and the signatures behind it."""

    head: Packet
    signatures: list[Packet] = field(default_factory=list)


def _components(octets: bytes) -> Iterator[_Component]:
    """Yield components in order; where Damaged is raised, after the last one that is whole."""
    component: _Component | None = None
    try:
        for each in packets(octets):
            if each.tag in _SECRET:
                raise IsPrivate
            if each.tag == packet.SIGNATURE and component is not None:
                component.signatures.append(each)
            elif each.tag not in _IGNORED:
                if component is not None:
                    yield component
                component = _Component(each)
    except Damaged:
        if component is not None:
            yield component
        raise
    if component is not None:
        yield component


@dataclass(slots=True)
class _Cleaner:
    is_own: IsOwn
    dropped: int = 0
    names: frozenset[bytes] = frozenset()  # identifier and fingerprint of the key at hand

    def clean(self, component: _Component) -> list[bytes]:
        """Return what stays of a component. Raises Damaged for one that belongs to no key."""
        head = component.head
        if head.tag == packet.PUBLIC_KEY:
            self.names = _names(head.body)
            return [write_packet(head), *self._signatures(component, _OVER_KEY)]
        if not self.names:
            raise Damaged
        kept: list[bytes] = []
        if head.tag == packet.USER_ID and self.is_own(head.body):
            kept = self._needed(component, _OVER_USER_ID, _CERTIFICATIONS)
        elif head.tag == packet.PUBLIC_SUBKEY:
            kept = self._needed(component, _OVER_SUBKEY, _BINDING)
        else:
            self.dropped += len(component.signatures)
        self.dropped += not kept
        return kept

    def _needed(
        self, component: _Component, kinds: frozenset[int], needed: frozenset[int]
    ) -> list[bytes]:
        """Return a component with its signatures; nothing where none of those `needed` stays."""
        if not self._signatures_of(component, needed):
            self.dropped += len(component.signatures)
            return []
        return [write_packet(component.head), *self._signatures(component, kinds)]

    def _signatures(self, component: _Component, kinds: frozenset[int]) -> list[bytes]:
        kept = self._signatures_of(component, kinds)
        self.dropped += len(component.signatures) - len(kept)
        return kept

    def _signatures_of(self, component: _Component, kinds: frozenset[int]) -> list[bytes]:
        cleaned = (self._signature(each, kinds) for each in component.signatures)
        return [
            write_packet(Packet(packet.SIGNATURE, each)) for each in cleaned if each is not None
        ]

    def _signature(self, each: Packet, kinds: frozenset[int]) -> bytes | None:
        """Return a signature that the key made itself, None for any other."""
        try:
            signature = parse_signature(each.body)
            if signature.kind not in kinds or self.names.isdisjoint(signature.issuers()):
                return None
            return clean_signature(signature, self.is_own)
        except Damaged:
            return None


def _names(body: bytes) -> frozenset[bytes]:
    """Return fingerprint and identifier of a public key (RFC 9580 5.5.4)."""
    if len(body) < 12:
        raise Damaged
    if body[0] == 4:
        octets = b"\x99" + len(body).to_bytes(2, "big") + body
        fingerprint = hashlib.sha1(octets, usedforsecurity=False).digest()
        return frozenset((fingerprint, fingerprint[-8:]))
    if body[0] == 6:
        fingerprint = hashlib.sha256(b"\x9b" + len(body).to_bytes(4, "big") + body).digest()
        return frozenset((fingerprint, fingerprint[:8]))
    if body[0] in {2, 3}:
        bits = int.from_bytes(body[8:10], "big")
        modulus = body[10 : 10 + (bits + 7) // 8]
        return frozenset((modulus[-8:],))
    raise Damaged
