# SPDX-License-Identifier: Apache-2.0
"""What the letterbox does for its user, and what it can't."""

from eepost.pages.visits import Answer, Shown
from eepost.services.letterbox.webmail.desk import Page, Visit


async def show_help(_visit: Visit) -> Answer:
    """Explain."""
    return Shown("help.html")


PAGES = (Page("/help", show_help, is_for_members=False),)
