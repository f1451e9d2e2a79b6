# SPDX-License-Identifier: Apache-2.0
"""How far fetching is: a page that the browser loads again by itself while there is something."""

from eepost.letters.model import Phase
from eepost.pages.visits import Answer, Moved, Shown
from eepost.services.letterbox.webmail.desk import Page, Visit
from eepost.services.letterbox.webmail.pages.folders import shown_time


async def show_fetching(visit: Visit) -> Answer:
    """Show how much has come."""
    progress = visit.mailbox.progress()
    is_busy = progress.phase in {Phase.CONNECTING, Phase.FETCHING}
    return Shown("fetch.html", {"progress": progress, "is_busy": is_busy, "time": shown_time})


async def fetch(visit: Visit) -> Answer:
    """Look for new mail."""
    visit.mailbox.start_fetching()
    return Moved("/fetch")


PAGES = (Page("/fetch", show_fetching, fetch),)
