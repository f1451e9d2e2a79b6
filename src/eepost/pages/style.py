# SPDX-License-Identifier: Apache-2.0
"""The one style sheet of all sites."""

from importlib.resources import files

from eepost.pages.visits import Answer, Page, Sent, Visit

_SHEET = files("eepost.pages").joinpath("templates", "style.css").read_bytes()


async def show_style(_visit: Visit) -> Answer:
    """Send the style sheet."""
    return Sent(_SHEET, "text/css")


PAGES: tuple[Page[Visit], ...] = (Page("/style.css", show_style, is_for_members=False),)
