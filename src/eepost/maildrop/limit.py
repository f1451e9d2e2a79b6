# SPDX-License-Identifier: Apache-2.0
"""How much fits into a maildrop, and when its owner is warned."""

# What users of such a service have known for twenty years. A megabyte is 10^6 octets here: of its
# two readings the one that mail clients show, and that never promises more than we mean.
DEFAULT_LIMIT_OCTETS = 50 * 1000 * 1000

# At 80 there is time to make room, at 95 the next large message may be refused.
WARNING_LEVELS_PERCENT = (80, 95)


def crossed(before_octets: int, after_octets: int, limit_octets: int) -> int | None:
    """Return the highest level (in percent) that growing from before to after has reached.

    None where none was passed, so each is told once on the way up, and again only after the
    maildrop was below it.
    """
    for percent in reversed(WARNING_LEVELS_PERCENT):
        mark = limit_octets * percent
        if before_octets * 100 < mark <= after_octets * 100:
            return percent
    return None
