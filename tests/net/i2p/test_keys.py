# SPDX-License-Identifier: Apache-2.0
import hashlib
import os
import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from eepost.net.i2p.keys import (
    FILE_OCTETS,
    Keys,
    KeysUnusable,
    make_keys,
    parse_keys,
    read_keys,
    write_keys,
    write_private,
)
from eepost.net.peers import destination_hash


def keys(seed: int = 1) -> Keys:
    return make_keys(random.Random(seed).randbytes)


def test_layout_is_the_one_that_routers_read() -> None:
    octets = keys().octets
    assert len(octets) == FILE_OCTETS == 391 + 256 + 32
    assert octets[384:391].hex() == "05000400070000"
    assert octets[391:647] == bytes(256)
    assert octets[:32] * 11 == octets[:352], "one block again and again compresses"


def test_public_key_belongs_to_the_seed() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    octets = keys().octets
    signature = Ed25519PrivateKey.from_private_bytes(octets[-32:]).sign(b"x")
    Ed25519PublicKey.from_public_bytes(octets[352:384]).verify(signature, b"x")


def test_address_is_the_hash_of_the_destination() -> None:
    made = keys()
    assert made.destination_hash == hashlib.sha256(made.octets[:391]).digest()
    assert destination_hash(made.b32.encode()) == made.destination_hash
    assert len(made.destination_base64) == 524
    assert set(made.destination_base64) & set("+/") == set()


def test_file_is_the_owners_alone_and_brings_the_keys_back(tmp_path: Path) -> None:
    file = tmp_path / "a.dat"
    os.umask(os.umask(0o022))
    write_keys(file, keys())
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_keys(file) == keys()


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "a.dat"
    write_keys(file, keys(1))
    with pytest.raises(FileExistsError):
        write_keys(file, keys(2))
    assert read_keys(file) == keys(1)
    (tmp_path / "b.dat").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "b.dat", b"")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_file_belongs_to_the_owner_of_its_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, 12_345, 12_346)
    write_keys(tmp_path / "a.dat", keys())
    status = (tmp_path / "a.dat").stat()
    assert (status.st_uid, status.st_gid) == (12_345, 12_346)


def test_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.dat"
    write_keys(file, keys())
    for mode in (0o640, 0o604, 0o602):
        file.chmod(mode)
        with pytest.raises(KeysUnusable, match="other users"):
            read_keys(file)


@pytest.mark.parametrize("damage", [b"", b"x" * FILE_OCTETS, keys().octets + b"x"])
def test_what_is_no_keys_file_is_refused(damage: bytes) -> None:
    with pytest.raises(KeysUnusable, match="not a keys file"):
        parse_keys(damage)


def test_seed_of_another_key_is_refused() -> None:
    mixed = keys(1).octets[:-32] + keys(2).octets[-32:]
    with pytest.raises(KeysUnusable, match="damaged"):
        parse_keys(mixed)


def test_keys_are_not_printed() -> None:
    assert repr(keys()) == "Keys()"
