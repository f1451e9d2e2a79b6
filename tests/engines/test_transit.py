# SPDX-License-Identifier: Apache-2.0
from eepost.wire.transit import Transit


def test_room_is_given_until_there_is_none_and_again_when_it_came_back() -> None:
    transit = Transit(10)
    assert transit.reserve(6)
    assert transit.reserve(4)
    assert not transit.reserve(1)
    transit.release(6)
    assert transit.reserve(1)
    assert transit.octets == 5
