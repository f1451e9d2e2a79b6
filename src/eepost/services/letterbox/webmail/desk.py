# SPDX-License-Identifier: Apache-2.0
"""What all visits to the letterbox's pages share, and one visit as a page sees it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from eepost.pages import sessions, visits
from eepost.pages.site import Counts
from eepost.pages.tickets import Tickets
from eepost.services.letterbox.ports import Letterbox, Mailbox, Offload
from eepost.services.letterbox.webmail.openpgp import Reader


@dataclass(slots=True, repr=False)
class Session(sessions.Session):
    """One browser in which an account is open."""

    mailbox: Mailbox


Sessions = sessions.Sessions[Session]


@dataclass(frozen=True, slots=True, repr=False)
class Desk:
    """What all visits share."""

    letterbox: Letterbox
    sessions: Sessions
    tickets: Tickets
    openpgp: Reader
    offload: Offload  # for what takes a core for a while: OpenPGP, long HTML
    randomness: Callable[[int], bytes]
    now_utc: Callable[[], int]
    counts: Counts = field(default_factory=Counts)
    # Records are read, changed and kept again: by one page at a time.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Visit(visits.Visit):
    """A request whose host, ticket, size and session were looked at already."""

    desk: Desk
    session: Session | None

    @property
    def mailbox(self) -> Mailbox:
        """Whose visit it is; only on pages for members."""
        assert self.session is not None  # noqa: S101 - the router let nobody else in
        return self.session.mailbox

    @property
    def domain(self) -> str:
        """The service's own domain."""
        return self.mailbox.address.rpartition("@")[2]

    def numbers(self) -> list[int]:
        """Return the numbers that stand in the path, 0 for one that is none."""
        steps = self.path.split("/")[2:]
        return [int(step) if step.isascii() and step.isdigit() else 0 for step in steps[::2]]


Page = visits.Page[Visit]
