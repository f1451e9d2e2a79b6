# SPDX-License-Identifier: Apache-2.0
"""One request as a page of the portal sees it."""

from dataclasses import dataclass

from eepost.accounts.model import Account
from eepost.pages import visits
from eepost.pages.visits import Answer, Moved, Sent, Shown, Wrong
from eepost.services.portal.desk import Desk
from eepost.services.portal.sessions import Session

__all__ = ["Answer", "Moved", "Page", "Sent", "Shown", "Visit", "Wrong"]


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Visit(visits.Visit):
    """A request whose ticket, size and session were looked at already."""

    desk: Desk
    session: Session | None
    peer: bytes | None  # the bucket for limits, None where it is not known

    @property
    def account(self) -> Account:
        """Whose visit it is; only on pages for members."""
        assert self.session is not None  # noqa: S101 - the router let nobody else in
        return self.session.account


Page = visits.Page[Visit]
