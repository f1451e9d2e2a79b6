# SPDX-License-Identifier: Apache-2.0
"""The letterbox's pages as a site.

Trust: any program on this machine can reach the port, and any page in the user's browser may try
to make it ask: the name it is asked under, tickets and cookies keep those out.
"""

from collections.abc import Iterable, Mapping, Set
from typing import Any, Final

from eepost.observe.journal import Journal
from eepost.pages import visits
from eepost.pages.sessions import Session as AnySession
from eepost.pages.site import Rooms, Site
from eepost.services.letterbox.ports import DiskFull
from eepost.services.letterbox.webmail.desk import Desk, Page, Session, Visit
from eepost.services.letterbox.webmail.pages.folders import TITLES

# Not the portal's name: a browser sends the cookies of one port of this machine to all.
COOKIE: Final = "letterbox"
OFFICE: Final = "Letterbox"


class Owners:
    """Satisfies eepost.pages.site.Host."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def welcome(self, visit: visits.Visit, _client: tuple[str, int] | None) -> Visit:
        """Return the visit with its session."""
        return Visit(
            path=visit.path,
            number=visit.number,
            query=visit.query,
            desk=self._desk,
            session=self._desk.sessions.find(visit.number),
        )

    def session(self, number: bytes) -> Session | None:
        """Return the session of a browser."""
        return self._desk.sessions.find(number)

    def values(self, session: AnySession | None) -> Mapping[str, Any]:
        """Return what every page shows."""
        if not isinstance(session, Session):
            return {"office": OFFICE, "member": "", "folders": ()}
        mailbox = session.mailbox
        several = len(self._desk.letterbox.identities) > 1
        return {
            "office": OFFICE,
            "member": mailbox.address + (f" ({mailbox.identity})" if several else ""),
            "folders": mailbox.folders(),
            "titles": TITLES,
            "progress": mailbox.progress(),
        }


def hosts_of(port: int) -> frozenset[str]:
    """Return the names under which a browser on this machine may ask."""
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))


def make_site(desk: Desk, pages: Iterable[Page], journal: Journal, hosts: Set[str]) -> Site[Visit]:
    """Return the letterbox's pages, ready to be served to browsers that ask for one of `hosts`."""
    rooms = Rooms(
        name="letterbox",
        package="eepost.services.letterbox.webmail",
        cookie=COOKIE,
        tickets=desk.tickets,
        counts=desk.counts,
        randomness=desk.randomness,
        journal=journal,
        hosts=hosts,
        foreseen=(DiskFull,),
    )
    return Site(rooms, Owners(desk), pages)
