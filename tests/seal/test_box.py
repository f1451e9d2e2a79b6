# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.seal.box import BOX_OVERHEAD_OCTETS, open_box, seal_box
from eepost.seal.broken import SealBroken
from tests.seal.chance import chance

KEY = bytes(range(32))


@given(st.binary(max_size=300), st.binary(max_size=50))
def test_a_box_gives_back_what_was_put_in(plaintext: bytes, context: bytes) -> None:
    box = seal_box(KEY, chance(), plaintext, context)
    assert len(box) == len(plaintext) + BOX_OVERHEAD_OCTETS
    assert open_box(KEY, box, context) == plaintext


@given(st.integers(0, 45 - 1 + BOX_OVERHEAD_OCTETS), st.integers(1, 255))
def test_no_octet_of_a_box_can_be_changed(at: int, change: int) -> None:
    box = bytearray(seal_box(KEY, chance(), b"x" * 45, b"here"))
    box[at] ^= change
    with pytest.raises(SealBroken) as broken:
        open_box(KEY, bytes(box), b"here")
    assert broken.value.__cause__ is None


@given(st.binary(max_size=100))
def test_noise_is_no_box(noise: bytes) -> None:
    for box in (noise, b"\x01" + noise):
        with pytest.raises(SealBroken):
            open_box(KEY, box, b"")


def test_equal_texts_give_boxes_that_have_nothing_in_common() -> None:
    draw = chance()
    one, two = (seal_box(KEY, draw, b"x" * 64, b"") for _ in range(2))
    assert one != two
    assert not any(a == b == c for a, b, c in zip(one[1:], two[1:], two[2:], strict=False))


def test_a_box_cut_short_does_not_open() -> None:
    box = seal_box(KEY, chance(), b"text", b"")
    for end in range(len(box)):
        with pytest.raises(SealBroken):
            open_box(KEY, box[:end], b"")
