# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.seal.broken import SealBroken
from eepost.seal.keypair import (
    PUBLIC_KEY_OCTETS,
    SEED_OCTETS,
    PrivateKey,
    PublicKey,
    encapsulate,
    open_encapsulation,
)
from tests.seal.chance import chance

PRIVATE = PrivateKey.generate(chance())
PUBLIC = PRIVATE.public_key
KEY = bytes(range(32))


def test_a_key_reaches_the_holder_of_the_private_key() -> None:
    octets = encapsulate(PUBLIC, KEY, b"for alice")
    assert KEY not in octets
    assert open_encapsulation(PRIVATE, octets, b"for alice") == KEY
    again = PrivateKey.from_seed(PRIVATE.seed)
    assert open_encapsulation(again, octets, b"for alice") == KEY


def test_each_encapsulation_is_new() -> None:
    assert encapsulate(PUBLIC, KEY, b"") != encapsulate(PUBLIC, KEY, b"")


def test_nobody_else_opens_it() -> None:
    other = PrivateKey.generate(chance(1))
    octets = encapsulate(PUBLIC, KEY, b"")
    with pytest.raises(SealBroken):
        open_encapsulation(other, octets, b"")


@pytest.mark.parametrize("part", [slice(0, 64), slice(64, 96)])
def test_one_half_of_the_key_opens_nothing(part: slice) -> None:
    seed = bytearray(PrivateKey.generate(chance(1)).seed)
    seed[part] = PRIVATE.seed[part]
    octets = encapsulate(PUBLIC, KEY, b"")
    with pytest.raises(SealBroken):
        open_encapsulation(PrivateKey.from_seed(bytes(seed)), octets, b"")


def test_it_opens_for_its_own_place_only() -> None:
    octets = encapsulate(PUBLIC, KEY, b"for alice")
    with pytest.raises(SealBroken):
        open_encapsulation(PRIVATE, octets, b"for bob")


@given(st.integers(0, 1167), st.integers(1, 255))
def test_no_octet_of_an_encapsulation_can_be_changed(at: int, change: int) -> None:
    octets = bytearray(encapsulate(PUBLIC, KEY, b""))
    octets[at] ^= change
    with pytest.raises(SealBroken):
        open_encapsulation(PRIVATE, bytes(octets), b"")


@given(st.binary(max_size=1300))
def test_noise_is_no_encapsulation(noise: bytes) -> None:
    with pytest.raises(SealBroken):
        open_encapsulation(PRIVATE, noise, b"")


def test_a_public_key_comes_back_from_its_octets() -> None:
    assert len(PUBLIC.octets) == PUBLIC_KEY_OCTETS
    again = PublicKey.from_octets(PUBLIC.octets)
    assert again.octets == PUBLIC.octets
    assert open_encapsulation(PRIVATE, encapsulate(again, KEY, b""), b"") == KEY


@pytest.mark.parametrize(
    "octets",
    [b"", PUBLIC.octets[:-1], PUBLIC.octets + b"\0", b"\xff" * PUBLIC_KEY_OCTETS],
    ids=["empty", "short", "long", "coefficients beyond the modulus"],
)
def test_octets_that_are_no_public_key_are_refused(octets: bytes) -> None:
    with pytest.raises(SealBroken):
        PublicKey.from_octets(octets)


def test_a_point_of_small_order_is_no_public_key_to_seal_to() -> None:
    weak = PublicKey.from_octets(PUBLIC.octets[:-32] + bytes(32))
    with pytest.raises(SealBroken):
        encapsulate(weak, KEY, b"")


@pytest.mark.parametrize("count", [0, SEED_OCTETS - 1, SEED_OCTETS + 1])
def test_a_seed_has_96_octets(count: int) -> None:
    with pytest.raises(ValueError, match="96 octets"):
        PrivateKey.from_seed(bytes(count))


def test_keys_are_hidden_in_their_reprs() -> None:
    assert repr(PRIVATE) == "PrivateKey(hidden)"
    assert repr(PUBLIC) == "PublicKey(...)"
