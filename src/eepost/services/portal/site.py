# SPDX-License-Identifier: Apache-2.0
"""All pages of the portal."""

from typing import Final

from eepost.pages import style
from eepost.services.portal.pages import (
    book,
    closing,
    creation,
    front,
    help,
    mailbox,
    notices,
    outgoing,
    password,
    recovery,
    rules,
)
from eepost.services.portal.visits import Page

PAGES: Final[tuple[Page, ...]] = (
    *front.PAGES,
    *creation.PAGES,
    *mailbox.PAGES,
    *password.PAGES,
    *book.PAGES,
    *recovery.PAGES,
    *outgoing.PAGES,
    *rules.PAGES,
    *notices.PAGES,
    *closing.PAGES,
    *help.PAGES,
    *style.PAGES,
)
