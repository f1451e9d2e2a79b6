# SPDX-License-Identifier: Apache-2.0
"""Destination keys made without a router, in the file format that i2pd and Java I2P both read.

So both ends' access lists can be written before either router starts, and the address is known
before anything is reachable under it. The file is the destination: whoever reads it can be it.

    256 octets  filler where ElGamal keys once were; lease sets carry the encryption keys today
     96 octets  more filler, so that the signing key ends at octet 384
     32 octets  Ed25519 public key
      7 octets  certificate: type 5, length 4, signature type 7 or 11, encryption type 0
    256 octets  unused private key
     32 octets  type 7: Ed25519 seed; type 11 (Red25519): the private scalar, little-endian

A destination of type 11 can be blinded, so that its lease set is encrypted and nobody finds it
without a key. Such a one is reached by a longer address that holds the public key (b33).
"""

import hashlib
import os
import zlib
from base64 import b32encode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from eepost.net.peers import b32_address

FILLER_OCTETS = 32
SIGNING_KEY_ENDS_AT = 384
CERTIFICATE = bytes.fromhex("05000400070000")
BLINDABLE_CERTIFICATE = bytes.fromhex("050004000b0000")
DESTINATION_OCTETS = SIGNING_KEY_ENDS_AT + len(CERTIFICATE)
UNUSED_PRIVATE_OCTETS = 256
SEED_OCTETS = 32
FILE_OCTETS = DESTINATION_OCTETS + UNUSED_PRIVATE_OCTETS + SEED_OCTETS
PUBLIC_OCTETS = 32
# A key that opens an encrypted lease set for one client.
LEASE_KEY_OCTETS = 32
# The order of Ed25519's base point (RFC 8032 5.1).
ORDER = 2**252 + 27742317777372353535851937790883648493
RED25519 = 11
# In a b33 address: a client needs a key of its own besides the address.
KEY_PER_CLIENT = 0x04
# Every mode bit but the owner's own.
OTHERS = 0o077


class KeysUnusable(Exception):  # noqa: N818 - the caller words it for the operator
    """A keys file is not what it must be; the text says why."""


@dataclass(frozen=True, slots=True)
class Keys:
    """A destination and what makes it ours."""

    octets: bytes = field(repr=False)

    @property
    def destination_hash(self) -> bytes:
        """SHA-256 of the destination, what lists and addresses are made of."""
        return hashlib.sha256(self.octets[:DESTINATION_OCTETS]).digest()

    @property
    def b32(self) -> str:
        """The address, `<52 characters>.b32.i2p`."""
        return b32_address(self.destination_hash)

    @property
    def destination_base64(self) -> str:
        """The whole public destination in I2P's base 64, as address books hold it."""
        return i2p_base64(self.octets[:DESTINATION_OCTETS])

    @property
    def is_blindable(self) -> bool:
        """Whether its lease set can be encrypted: whether the signature type is 11."""
        return self.octets[SIGNING_KEY_ENDS_AT:DESTINATION_OCTETS] == BLINDABLE_CERTIFICATE

    @property
    def b33(self) -> str:
        """The address while the lease set is encrypted with a key for each client."""
        public = self.octets[SIGNING_KEY_ENDS_AT - PUBLIC_OCTETS : SIGNING_KEY_ENDS_AT]
        signature = self.octets[SIGNING_KEY_ENDS_AT + 4]
        return b33_address(public, signature, KEY_PER_CLIENT)


def b33_address(public: bytes, signature: int, flags: int) -> str:
    """Return the address of an encrypted lease set (I2P: "B32 for encrypted leasesets")."""
    checksum = zlib.crc32(public).to_bytes(4, "little")
    head = bytes(a ^ b for a, b in zip((flags, signature, RED25519), checksum, strict=False))
    return b32encode(head + public).decode("ascii").rstrip("=").lower() + ".b32.i2p"


def i2p_base64(octets: bytes) -> str:
    """Return octets in I2P's base 64, which has - and ~ for + and /."""
    return b64encode(octets, altchars=b"-~").decode("ascii")


def make_keys(random_octets: Callable[[int], bytes]) -> Keys:
    """Return a new destination."""
    seed = random_octets(SEED_OCTETS)
    return _keys(random_octets, _public(seed), CERTIFICATE, seed)


def make_blindable_keys(random_octets: Callable[[int], bytes]) -> Keys:
    """Return a new destination whose lease set can be encrypted (signature type 11).

    Red25519 signs with the scalar itself and Ed25519 with one that it derives from a seed; the
    public key is the same multiple of the base point (RFC 8032 5.1.5), so Ed25519 makes both.
    """
    seed = random_octets(SEED_OCTETS)
    scalar = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    scalar = (scalar & ((1 << 254) - 8) | (1 << 254)) % ORDER
    private = scalar.to_bytes(SEED_OCTETS, "little")
    return _keys(random_octets, _public(seed), BLINDABLE_CERTIFICATE, private)


def make_lease_key(random_octets: Callable[[int], bytes]) -> str:
    """Return a new key that opens an encrypted lease set, as routers write it."""
    return i2p_base64(random_octets(LEASE_KEY_OCTETS))


def _public(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _keys(
    random_octets: Callable[[int], bytes], public: bytes, certificate: bytes, private: bytes
) -> Keys:
    # One random block again and again: lease sets compress to a third of the size, and routers
    # do the same since 0.9.57, so that ours do not stand out.
    filler = random_octets(FILLER_OCTETS)
    repeats = (SIGNING_KEY_ENDS_AT - len(public)) // FILLER_OCTETS
    return Keys(filler * repeats + public + certificate + bytes(UNUSED_PRIVATE_OCTETS) + private)


def parse_keys(octets: bytes) -> Keys:
    """Return the keys in a file's octets. Raises KeysUnusable."""
    certificate = octets[SIGNING_KEY_ENDS_AT:DESTINATION_OCTETS]
    if len(octets) != FILE_OCTETS or certificate not in {CERTIFICATE, BLINDABLE_CERTIFICATE}:
        raise KeysUnusable("is not a keys file with an Ed25519 signature (type 7 or 11)")
    private = octets[-SEED_OCTETS:]
    if certificate == BLINDABLE_CERTIFICATE:
        # What we have multiplies no bare scalar: only its range can be looked at.
        is_whole = 0 < int.from_bytes(private, "little") < ORDER
    else:
        public = octets[SIGNING_KEY_ENDS_AT - PUBLIC_OCTETS : SIGNING_KEY_ENDS_AT]
        is_whole = _public(private) == public
    if not is_whole:
        raise KeysUnusable("is damaged: its private key does not belong to its public key")
    return Keys(octets)


def read_keys(file: Path) -> Keys:
    """Return the keys in `file`. Raises KeysUnusable, also if others may read it, and OSError."""
    with file.open("rb") as stream:
        if os.fstat(stream.fileno()).st_mode & OTHERS:
            raise KeysUnusable("can be read by other users")
        return parse_keys(stream.read(FILE_OCTETS + 1))


def write_keys(file: Path, keys: Keys) -> None:
    """Write `file` for its folder's owner alone; on disk on return. Raises FileExistsError.

    A keys file is never overwritten: a lost destination can't be made again.
    """
    write_private(file, keys.octets)


def write_private(file: Path, octets: bytes) -> None:
    """Write a new file that only the owner of its folder can read. Raises FileExistsError."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        folder = file.parent.stat()
        if os.geteuid() == 0:
            # A system's router runs as a user of its own, and its folder belongs to that user.
            os.fchown(descriptor, folder.st_uid, folder.st_gid)
        stream.write(octets)
        stream.flush()
        os.fsync(descriptor)
