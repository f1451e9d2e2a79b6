# SPDX-License-Identifier: Apache-2.0
"""Bounds on what a service may send; every one has its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Limits of a session."""

    # A maildrop of 50 MB holds as many messages of 500 octets.
    messages: int = 100_000
    # One message: services take 10 to 50 MB, and rebuilding makes mail grow.
    message_octets: int = 67_108_864
    # RFC 1939 3: 512; servers that quote pages' addresses write longer ones.
    line_octets: int = 2_048
    # Kept of a line of a listing: numbers, a unique-id of 70 characters (RFC 1939 7), and what some
    # servers say behind it. A hundred thousand of them lie in memory at once.
    listed_octets: int = 256
    # Lines of CAPA; real servers have about fifteen.
    capabilities: int = 100
    # Commands under way at once: enough to keep a route busy whose round trip takes seconds.
    window: int = 32
