# SPDX-License-Identifier: Apache-2.0
from eepost.wire.transit import Share, Transit


def test_room_is_given_until_there_is_none_and_again_when_it_came_back() -> None:
    transit = Transit(10)
    assert transit.reserve(6)
    assert transit.reserve(4)
    assert not transit.reserve(1)
    transit.release(6)
    assert transit.reserve(1)
    assert transit.octets == 5


def test_whoever_fills_his_share_leaves_the_others_theirs() -> None:
    whole = Transit(10)
    greedy, modest = (Share(whole, lambda: 5) for _ in range(2))
    assert greedy.reserve(5)
    assert not greedy.reserve(1)
    assert modest.reserve(5)
    assert (whole.octets, greedy.octets) == (10, 5)
    greedy.release(5)
    assert (whole.octets, greedy.octets) == (5, 0)
    assert greedy.reserve(1)


def test_shares_are_no_more_than_the_whole_and_may_change() -> None:
    whole, limit = Transit(10), 8
    one, other = (Share(whole, lambda: limit) for _ in range(2))
    assert one.reserve(8)
    assert not other.reserve(3)
    one.release(8)
    limit = 2
    assert not one.reserve(3)
    assert other.reserve(2)
