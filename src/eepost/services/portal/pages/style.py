# SPDX-License-Identifier: Apache-2.0
"""The one style sheet."""

from importlib.resources import files

from eepost.services.portal.visits import Answer, Page, Sent, Visit

_SHEET = files("eepost.services.portal").joinpath("templates", "style.css").read_bytes()


async def show_style(_visit: Visit) -> Answer:
    """Send the style sheet."""
    return Sent(_SHEET, "text/css")


PAGES = (Page("/style.css", show_style, is_for_members=False),)
