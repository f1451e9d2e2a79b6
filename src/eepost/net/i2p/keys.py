# SPDX-License-Identifier: Apache-2.0
"""Destination keys made without a router, in the file format that i2pd and Java I2P both read.

So both ends' access lists can be written before either router starts, and the address is known
before anything is reachable under it. The file is the destination: whoever reads it can be it.

    256 octets  filler where ElGamal keys once were; lease sets carry the encryption keys today
     96 octets  more filler, so that the signing key ends at octet 384
     32 octets  Ed25519 public key
      7 octets  certificate: type 5, length 4, signature type 7, encryption type 0
    256 octets  unused private key
     32 octets  Ed25519 seed
"""

import hashlib
import os
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from eepost.net.peers import b32_address

FILLER_OCTETS = 32
SIGNING_KEY_ENDS_AT = 384
CERTIFICATE = bytes.fromhex("05000400070000")
DESTINATION_OCTETS = SIGNING_KEY_ENDS_AT + len(CERTIFICATE)
UNUSED_PRIVATE_OCTETS = 256
SEED_OCTETS = 32
FILE_OCTETS = DESTINATION_OCTETS + UNUSED_PRIVATE_OCTETS + SEED_OCTETS
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
        return b64encode(self.octets[:DESTINATION_OCTETS], altchars=b"-~").decode("ascii")


def make_keys(random_octets: Callable[[int], bytes]) -> Keys:
    """Return a new destination."""
    seed = random_octets(SEED_OCTETS)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    # One random block again and again: lease sets compress to a third of the size, and routers
    # do the same since 0.9.57, so that ours do not stand out.
    filler = random_octets(FILLER_OCTETS)
    repeats = (SIGNING_KEY_ENDS_AT - len(public)) // FILLER_OCTETS
    return Keys(filler * repeats + public + CERTIFICATE + bytes(UNUSED_PRIVATE_OCTETS) + seed)


def parse_keys(octets: bytes) -> Keys:
    """Return the keys in a file's octets. Raises KeysUnusable."""
    if len(octets) != FILE_OCTETS or octets[SIGNING_KEY_ENDS_AT:DESTINATION_OCTETS] != CERTIFICATE:
        raise KeysUnusable("is not a keys file with an Ed25519 signature (type 7)")
    seed = octets[-SEED_OCTETS:]
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    if octets[SIGNING_KEY_ENDS_AT - len(public) : SIGNING_KEY_ENDS_AT] != public:
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
