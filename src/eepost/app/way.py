# SPDX-License-Identifier: Apache-2.0
"""The way to a paired peer: `port HOST:PORT` or `socks5 HOST:PORT`, and how long it may take."""

from collections.abc import Callable

from eepost.net.connect import LocalPort, Patience, Socks5, isolation
from eepost.net.listeners import parse_endpoint

# Mail waits for a link: one that was away is found again within a minute.
RETRY_LONGEST_SECONDS = 60.0


def link_patience(retry_seconds: float) -> Patience:
    """Return how long to wait for a link's other side, with the first pause after a failure."""
    return Patience(
        retry_first_seconds=retry_seconds,
        retry_longest_seconds=max(RETRY_LONGEST_SECONDS, retry_seconds),
    )


def parse_way(
    text: str, address: str, port: int, random_octets: Callable[[int], bytes]
) -> LocalPort | Socks5:
    """Return the way; `address` and `port` are the peer's in I2P, for a SOCKS5 port to ask for.

    Raises ValueError with a reason to show.
    """
    kind, _, place = text.partition(" ")
    if kind == "port":
        return LocalPort(parse_endpoint(place))
    if kind == "socks5":
        return Socks5(parse_endpoint(place), address, port, isolation(random_octets))
    raise ValueError("is neither `port HOST:PORT` nor `socks5 HOST:PORT`")
