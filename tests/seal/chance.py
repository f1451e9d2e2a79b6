# SPDX-License-Identifier: Apache-2.0
"""Randomness that gives the same octets in every run."""

import hashlib
import itertools

from eepost.seal.randomness import Randomness


def chance(seed: int = 0) -> Randomness:
    """Return a source of octets; another seed gives others."""
    drawn = itertools.count()

    def draw(count: int) -> bytes:
        return hashlib.shake_256(f"{seed} {next(drawn)}".encode()).digest(count)

    return draw
