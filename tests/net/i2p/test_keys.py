# SPDX-License-Identifier: Apache-2.0
import hashlib
import os
import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from eepost.net.i2p.keys import (
    FILE_OCTETS,
    ORDER,
    Keys,
    KeysUnusable,
    b33_address,
    make_blindable_keys,
    make_keys,
    make_lease_key,
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


PRIME = 2**255 - 19
CURVE_D = -121665 * pow(121666, -1, PRIME) % PRIME
BASE_Y = 4 * pow(5, -1, PRIME) % PRIME
BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202


def added(one: tuple[int, int], two: tuple[int, int]) -> tuple[int, int]:
    """Add two points of edwards25519 by its definition (RFC 8032 5.1.4, affine)."""
    (x1, y1), (x2, y2) = one, two
    bend = CURVE_D * x1 * x2 * y1 * y2
    x3 = (x1 * y2 + x2 * y1) * pow(1 + bend, -1, PRIME) % PRIME
    y3 = (y1 * y2 + x1 * x2) * pow(1 - bend, -1, PRIME) % PRIME
    return x3, y3


def multiple_of_the_base_point(scalar: int) -> bytes:
    total, power = (0, 1), (BASE_X, BASE_Y)
    while scalar:
        if scalar & 1:
            total = added(total, power)
        power, scalar = added(power, power), scalar >> 1
    x, y = total
    return (y | (x & 1) << 255).to_bytes(32, "little")


def test_blindable_destination_has_the_scalar_of_its_public_key(tmp_path: Path) -> None:
    for seed in range(3):
        made = make_blindable_keys(random.Random(seed).randbytes)
        octets = made.octets
        assert len(octets) == FILE_OCTETS
        assert octets[384:391].hex() == "050004000b0000"
        scalar = int.from_bytes(octets[-32:], "little")
        assert scalar < ORDER
        assert multiple_of_the_base_point(scalar) == octets[352:384]
        assert made.is_blindable
        assert not keys(seed).is_blindable
        write_keys(tmp_path / f"{seed}.dat", made)
        assert read_keys(tmp_path / f"{seed}.dat") == made


@pytest.mark.parametrize("scalar", [0, ORDER, 2**256 - 1])
def test_scalar_out_of_range_is_damage(scalar: int) -> None:
    octets = make_blindable_keys(random.Random(1).randbytes).octets
    with pytest.raises(KeysUnusable, match="damaged"):
        parse_keys(octets[:-32] + scalar.to_bytes(32, "little"))


def test_address_of_a_hidden_destination_is_the_one_that_i2pd_computes() -> None:
    """The pair was printed by i2pd-tools, for a destination of type 7 without a key per client."""
    public = bytes.fromhex("47f49d69f5f4e6ac8c2ebfa23ab0bc27e87bd6ac61572292ff788d3fcf745af1")
    address = "a2pbgr7utvu7l5hgvsgc5p5chkylyj7ipplkyykxekjp66enh7hxiwxr.b32.i2p"
    assert b33_address(public, signature=7, flags=0) == address


def test_hidden_address_is_longer_and_says_that_a_key_is_needed() -> None:
    made = make_blindable_keys(random.Random(1).randbytes)
    assert len(made.b33) == 56 + len(".b32.i2p")
    assert made.b33 == b33_address(made.octets[352:384], 11, 4)
    assert made.b33 != b33_address(made.octets[352:384], 11, 0)


def test_lease_keys_are_32_octets_in_the_alphabet_of_routers() -> None:
    assert make_lease_key(lambda n: b"\xff" * n) == "~" * 42 + "8="
    assert make_lease_key(lambda n: b"\xfb" * n).count("-") > 0
