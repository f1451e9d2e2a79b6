# SPDX-License-Identifier: Apache-2.0
import pytest

from eepost.wire.link.pairing import Pairing, Role, Side
from tests.engines.link.ends import CORE, GATEWAY, PAIRING


def test_each_side_sees_the_other_across_the_same_secret() -> None:
    mirrored = PAIRING.mirrored()
    assert (mirrored.own, mirrored.other) == (PAIRING.other, PAIRING.own)
    assert mirrored.secret == PAIRING.secret
    assert mirrored.mirrored() == PAIRING


def test_secrets_and_hashes_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        Side(Role.CORE, b"short")
    with pytest.raises(ValueError, match="32"):
        Pairing(CORE, GATEWAY, b"short")
