# SPDX-License-Identifier: Apache-2.0
"""Makes the virus scanner that the settings ask for."""

from collections.abc import Callable

from eepost.app.settings import Settings
from eepost.net import clock
from eepost.net.clamd import Bounds, Clamd, Offload, Standing
from eepost.net.instream import parse_way
from eepost.sanitise.scan import Obstacle

# Around parts in an archive: up to three blocks of tar for each of as many as there can be.
ARCHIVE_OCTETS = 3_072_000


def largest_message_octets(settings: Settings) -> int:
    """Return the size of the largest message there can be: sanitising makes mail grow."""
    return settings.smtp.message_octets * 3 // 2


def largest_stream_octets(settings: Settings) -> int:
    """Return how much a scanner is sent at most for one message: itself, and its parts decoded."""
    return largest_message_octets(settings) * 2 + ARCHIVE_OCTETS


def make_scanner(
    settings: Settings, offload: Offload, tell: Callable[[Standing], None]
) -> Clamd | None:
    """Return the scanner, None where none is set. Raises ValueError for a wrong `clamd`."""
    chosen = settings.scanner
    if not chosen.clamd:
        return None
    bounds = Bounds(largest_message_octets(settings), chosen.seconds, chosen.at_once)
    return Clamd(parse_way(chosen.clamd), bounds, offload, clock.monotonic_seconds, tell)


def obstacles_passed(settings: Settings) -> frozenset[Obstacle]:
    """Return in spite of what the settings let mail pass unscanned."""
    chosen = {
        Obstacle.DOWN: settings.scanner.when_down,
        Obstacle.OVER_LIMITS: settings.scanner.when_over_limits,
    }
    return frozenset(obstacle for obstacle, word in chosen.items() if word == "pass")
