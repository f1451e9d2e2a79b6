# SPDX-License-Identifier: Apache-2.0
"""Puts the letterbox's pages together."""

from collections.abc import Awaitable, Callable

from eepost.app.letterbox_openpgp import Apart
from eepost.net import clock
from eepost.net.listeners import Endpoint
from eepost.net.web import WebServer
from eepost.observe.journal import Journal
from eepost.pages.sessions import Sessions
from eepost.pages.tickets import Tickets
from eepost.services.letterbox.ports import Letterbox, Offload
from eepost.services.letterbox.webmail.desk import Desk, Session
from eepost.services.letterbox.webmail.site import PAGES
from eepost.services.letterbox.webmail.webmail import hosts_of, make_site

_KEY_OCTETS = 32


async def open_pages(
    letterbox: Letterbox, offload: Offload, journal: Journal, where: Endpoint
) -> tuple[Endpoint, Callable[[], Awaitable[None]]]:
    """Serve the pages; return where, and what ends that. Raises OSError."""
    key = clock.random_octets(_KEY_OCTETS)  # of this process alone: sessions end with it
    sessions: Sessions[Session] = Sessions(key, clock.monotonic_seconds)
    desk = Desk(
        letterbox=letterbox,
        sessions=sessions,
        tickets=Tickets(key, clock.monotonic_seconds, clock.random_octets),
        openpgp=Apart(),
        offload=offload,
        randomness=clock.random_octets,
        now_utc=lambda: int(clock.wall_seconds()),
    )
    hosts: set[str] = set()
    server = WebServer(make_site(desk, PAGES, journal, hosts))
    bound = await server.start(where)
    hosts |= hosts_of(bound.port)
    return bound, server.stop
