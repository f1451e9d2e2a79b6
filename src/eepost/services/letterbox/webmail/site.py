# SPDX-License-Identifier: Apache-2.0
"""All pages of the letterbox."""

from typing import Final

from eepost.pages import style
from eepost.services.letterbox.webmail.desk import Page
from eepost.services.letterbox.webmail.pages import (
    fetching,
    folders,
    help,
    keys,
    messages,
    outbox,
    people,
    signing_in,
    writing,
)

PAGES: Final[tuple[Page, ...]] = (
    *signing_in.PAGES,
    *folders.PAGES,
    *fetching.PAGES,
    *messages.PAGES,
    *writing.PAGES,
    *outbox.PAGES,
    *people.PAGES,
    *keys.PAGES,
    *help.PAGES,
    *style.PAGES,
)
