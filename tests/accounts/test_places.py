# SPDX-License-Identifier: Apache-2.0
from eepost.accounts.places import Places


def test_account_has_so_many_places_and_others_have_their_own() -> None:
    places = Places(2)
    assert [places.take(1) for _ in range(3)] == [True, True, False]
    assert places.take(2)


def test_place_that_was_left_is_free_and_nothing_is_remembered_of_it() -> None:
    places = Places(1)
    assert places.take(1)
    places.leave(1)
    assert places._taken == {}
    assert places.take(1)
