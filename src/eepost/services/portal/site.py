# SPDX-License-Identifier: Apache-2.0
"""All pages of the portal."""

from typing import Final

from eepost.services.portal.pages import creation, front, mailbox, password, style
from eepost.services.portal.visits import Page

PAGES: Final[tuple[Page, ...]] = (
    *front.PAGES,
    *creation.PAGES,
    *mailbox.PAGES,
    *password.PAGES,
    *style.PAGES,
)
