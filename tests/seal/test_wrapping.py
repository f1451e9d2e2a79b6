# SPDX-License-Identifier: Apache-2.0
import pytest

from eepost.seal.box import open_box
from eepost.seal.broken import SealBroken
from eepost.seal.wrapping import unwrap, wrap
from tests.seal.chance import chance

SEED = bytes(range(96))
KEY = bytes(range(32))


def test_a_seed_comes_back_under_the_same_key_and_context_only() -> None:
    wrapped = wrap(SEED, KEY, b"alice, first", chance())
    assert unwrap(wrapped, KEY, b"alice, first") == SEED
    for key, context in ((KEY[::-1], b"alice, first"), (KEY, b"alice, second"), (KEY, b"")):
        with pytest.raises(SealBroken):
            unwrap(wrapped, key, context)


def test_a_wrapped_seed_is_no_other_kind_of_box() -> None:
    with pytest.raises(SealBroken):
        open_box(KEY, wrap(SEED, KEY, b"alice", chance()), b"alice")
