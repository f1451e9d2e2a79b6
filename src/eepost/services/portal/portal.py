# SPDX-License-Identifier: Apache-2.0
"""The portal as a site: who its members are, and whether their logins are still in force.

Trust: anybody who can reach the port.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from eepost.accounts.ports import AccountChanged
from eepost.maildrop.ports import StoreUnavailable
from eepost.observe.journal import Journal
from eepost.pages import visits
from eepost.pages.sessions import Session as AnySession
from eepost.pages.site import Rooms, Site
from eepost.services.portal.desk import Desk
from eepost.services.portal.sessions import Session
from eepost.services.portal.visits import Page, Visit

COOKIE: Final = "visit"


class Members:
    """Satisfies eepost.pages.site.Host. `bucket` says what limits count the far end under."""

    def __init__(self, desk: Desk, bucket: Callable[[object], bytes | None]) -> None:
        self._desk = desk
        self._bucket = bucket

    async def welcome(self, visit: visits.Visit, client: tuple[str, int] | None) -> Visit:
        """Return the visit with its session, if its login is still in force."""
        return Visit(
            path=visit.path,
            number=visit.number,
            query=visit.query,
            desk=self._desk,
            session=await self._in_force(visit.number),
            peer=None if client is None else self._bucket(client),
        )

    def session(self, number: bytes) -> Session | None:
        """Return the session of a browser."""
        return self._desk.sessions.find(number)

    def values(self, session: AnySession | None) -> Mapping[str, Any]:
        """Return what every page shows."""
        member = session.account.name if isinstance(session, Session) else ""
        return {"office": self._desk.name, "member": member}

    async def _in_force(self, number: bytes) -> Session | None:
        """Return the session unless its login has changed elsewhere, which ends it at once."""
        session = self._desk.sessions.find(number)
        if session is None:
            return None
        authenticator = self._desk.authenticator
        epoch = authenticator.epoch()
        if epoch != session.epoch:
            if not await authenticator.is_in_force(session.account):
                self._desk.sessions.end(number)
                return None
            name = session.account.name
            session.account = await self._desk.compute(lambda: self._desk.registry.find(name))
            session.epoch = epoch
        return session


def make_site(
    desk: Desk,
    pages: Iterable[Page],
    journal: Journal,
    bucket: Callable[[object], bytes | None],
) -> Site[Visit]:
    """Return the portal, ready to be served."""
    rooms = Rooms(
        name="portal",
        package="eepost.services.portal",
        cookie=COOKIE,
        tickets=desk.tickets,
        counts=desk.counts,
        randomness=desk.randomness,
        journal=journal,
        foreseen=(StoreUnavailable, AccountChanged),
    )
    return Site(rooms, Members(desk, bucket), pages)
