# SPDX-License-Identifier: Apache-2.0
"""A parcel opens for its key, whole and as it was; nothing else comes out of it."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eepost.seal.broken import SealBroken
from eepost.seal.keypair import PrivateKey
from eepost.seal.parcel import open_parcel, seal_parcel
from eepost.seal.segments import SEGMENT_OCTETS

PRIVATE = PrivateKey(bytes(range(96)))
OTHER = PrivateKey(bytes(range(1, 97)))


def parcel(*pieces: bytes) -> bytes:
    return b"".join(seal_parcel(PRIVATE.public_key, os.urandom, pieces))


@pytest.mark.parametrize(
    "size", [0, 1, 1023, 1024, 5000, SEGMENT_OCTETS - 1, SEGMENT_OCTETS, 3 * SEGMENT_OCTETS + 5]
)
def test_a_parcel_opens_as_it_was(size: int) -> None:
    octets = os.urandom(size)
    assert open_parcel(PRIVATE, parcel(octets[:100], octets[100:])) == octets


def test_a_parcel_of_few_octets_shows_nothing_of_their_number() -> None:
    assert len(parcel(b"a")) == len(parcel(b"a" * 1000))


def test_equal_octets_make_different_parcels() -> None:
    assert parcel(b"same") != parcel(b"same")
    assert b"same" not in parcel(b"same" * 500)


def test_a_parcel_opens_for_nobody_else() -> None:
    with pytest.raises(SealBroken):
        open_parcel(OTHER, parcel(b"secret"))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_changed_parcel_does_not_open(data: st.DataObject) -> None:
    whole = bytearray(parcel(b"secret" * 300))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        open_parcel(PRIVATE, whole)


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 500, 1140, 1200, -17, -1])
def test_a_shortened_parcel_does_not_open(cut: int) -> None:
    with pytest.raises(SealBroken):
        open_parcel(PRIVATE, parcel(b"secret")[:cut])


def test_a_lengthened_parcel_does_not_open() -> None:
    for more in (b"x", bytes(SEGMENT_OCTETS + 16)):
        with pytest.raises(SealBroken):
            open_parcel(PRIVATE, parcel(b"secret") + more)


def test_segments_that_changed_places_do_not_open() -> None:
    pieces = seal_parcel(PRIVATE.public_key, os.urandom, [bytes(3 * SEGMENT_OCTETS)])
    pieces[1], pieces[2] = pieces[2], pieces[1]
    with pytest.raises(SealBroken):
        open_parcel(PRIVATE, b"".join(pieces))
