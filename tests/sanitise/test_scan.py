# SPDX-License-Identifier: Apache-2.0
from eepost.sanitise.scan import Clean, Infected, Obstacle, Unscannable


def test_nothing_but_clean_is_clean() -> None:
    others = [Infected(""), Infected("Clean"), *map(Unscannable, Obstacle)]
    assert Clean() == Clean()
    assert all(other != Clean() for other in others)
    assert len(set(others)) == len(others)


def test_obstacles_have_words_of_their_own() -> None:
    assert len({obstacle.value for obstacle in Obstacle}) == len(Obstacle)
