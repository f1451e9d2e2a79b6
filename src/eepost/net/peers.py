# SPDX-License-Identifier: Apache-2.0
"""Says who is at the other end of a stream, as well as the router's way of handing it over allows.

A peer is good for limits and throttles, never for authority: any local process can take any
loopback address. It lives in memory only, prints nothing of itself, and is counted under a keyed
hash, so that neither a log nor a seized memory image of counters names a destination.

Trust: the address comes from the kernel, the header field from whoever can reach the listener.
"""

from base64 import b32decode, b32encode
from binascii import Error as NotBase32
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from hmac import compare_digest
from socket import AF_INET, AF_INET6, inet_pton

_IPV4_OCTETS = 4
_LOOPBACK = b"\x7f"  # 127.0.0.0/8
_PLAIN_LOOPBACK = b"\x7f\x00\x00\x01"
_UNIQUE_LOCAL = b"\xfd"  # fd00::/8
_IPV4_IN_IPV6 = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96
_B32_CHARACTERS = 52  # 256 bits in base 32, without padding
_B32_SUFFIX = ".b32.i2p"


class PeerKind(Enum):
    """How much of a peer's destination is known, and from what."""

    UNKNOWN = "unknown"  # plain loopback: anybody on this machine, or everybody behind a tunnel
    MAPPED_24 = "mapped-24"  # 127.H0.H1.H2, as routers do for a tunnel to 127.0.0.1
    MAPPED_120 = "mapped-120"  # fdH0:H1...H14, as newer routers do for a tunnel to ::1
    NETWORK = "network"  # the front part of an Internet address: 24 bits of IPv4, 48 of IPv6
    DESTINATION = "destination"  # the whole hash, from X-I2P-DestB32 behind an http tunnel


class Resolver(Enum):
    """How a listener finds out who its peers are; the values are those of the settings."""

    MAPPED = "mapped"
    DESTINATION_HEADER = "destination-header"
    NETWORK = "network"  # the gateway's, where peers come from the Internet
    NONE = "none"


@dataclass(frozen=True, slots=True, repr=False)
class Peer:
    """Who is at the other end: as much of the destination's hash, or of the address, as counts."""

    kind: PeerKind
    identity: bytes

    def __repr__(self) -> str:
        return f"Peer({self.kind.value})"  # an identity in a traceback would outlive the session

    def bucket(self, key: bytes) -> bytes | None:
        """Return what limits count this peer under, 16 octets, or None for an unknown peer.

        `key` is random, 16 to 64 octets, made anew at every start. Unknown peers get no bucket,
        because everybody behind a tunnel without mapping would then share one and the first
        nuisance would shut out all others; the account and the listener's own limits hold there.
        """
        if self.kind is PeerKind.UNKNOWN:
            return None
        person = self.kind.value.encode("ascii")  # equal octets of two kinds are two peers
        return blake2b(self.identity, digest_size=16, key=key, person=person).digest()


UNKNOWN = Peer(PeerKind.UNKNOWN, b"")


def resolve(peername: object, resolver: Resolver) -> Peer:
    """Return the peer behind `peername`, what asyncio gives for a stream: (host, port, ...).

    Never raises. An address that is neither mapped nor loopback is unknown: it can only come from
    a listener that was opened to a network on purpose, and there an address is not an identity.
    A listener with DESTINATION_HEADER knows its peer only later, from `from_header`.
    """
    if resolver is Resolver.NETWORK:
        return _network(_address(peername))
    if resolver is not Resolver.MAPPED:
        return UNKNOWN
    if isinstance(peername, tuple) and peername[:1] == ("127.0.0.1",):
        return UNKNOWN  # most streams; parsing costs as much as a reply
    return _mapped(_address(peername))


def from_header(peername: object, resolver: Resolver, values: Sequence[bytes]) -> Peer:
    """Return the peer that X-I2P-DestB32 names; `values` are all its values in one request.

    Unknown unless the listener was told to believe the header field, there is exactly one value,
    it is a well-formed b32 address, and it does not contradict the mapped address of the stream.
    """
    if resolver is not Resolver.DESTINATION_HEADER or len(values) != 1:
        return UNKNOWN
    digest = destination_hash(values[0])
    if digest is None:
        return UNKNOWN
    seen = _mapped(_address(peername)).identity
    if not compare_digest(seen, digest[: len(seen)]):
        return UNKNOWN
    return Peer(PeerKind.DESTINATION, digest)


def destination_hash(b32: bytes) -> bytes | None:
    """Return the 32 octets that `<52 characters>.b32.i2p` stands for, or None if malformed."""
    if len(b32) != _B32_CHARACTERS + len(_B32_SUFFIX) or not b32.isascii():
        return None
    text = b32.decode("ascii").lower()
    if not text.endswith(_B32_SUFFIX):
        return None
    try:
        digest = b32decode(text[:_B32_CHARACTERS].upper() + "====")
    except NotBase32:
        return None
    # 52 characters carry 260 bits; only one spelling of each hash counts.
    return digest if text == b32_address(digest) else None


def b32_address(digest: bytes) -> str:
    """Return `<52 characters>.b32.i2p` for the SHA-256 of a destination."""
    return b32encode(digest).decode("ascii").rstrip("=").lower() + _B32_SUFFIX


def _address(peername: object) -> bytes:
    """Return the address as it stands in a packet, 4 or 16 octets, or b"" if there is none.

    By the C library: the module `ipaddress` takes as long for it as a reply takes.
    """
    if not isinstance(peername, tuple) or not peername or not isinstance(peername[0], str):
        return b""
    host = peername[0].partition("%")[0]  # behind it stands the interface of a link-local one
    try:
        address = inet_pton(AF_INET6 if ":" in host else AF_INET, host)
    except (OSError, ValueError):
        return b""
    return address.removeprefix(_IPV4_IN_IPV6)  # a listener for both families sees IPv4 so


def _network(address: bytes) -> Peer:
    # Whoever has one address of such a network mostly has them all.
    if not address:
        return UNKNOWN
    return Peer(PeerKind.NETWORK, address[: 3 if len(address) == _IPV4_OCTETS else 6])


def _mapped(address: bytes) -> Peer:
    if len(address) == _IPV4_OCTETS:
        if address.startswith(_LOOPBACK) and address != _PLAIN_LOOPBACK:
            return Peer(PeerKind.MAPPED_24, address[1:])
    elif address.startswith(_UNIQUE_LOCAL):
        return Peer(PeerKind.MAPPED_120, address[1:])
    return UNKNOWN
