# SPDX-License-Identifier: Apache-2.0
"""Of what the post office tells its users by itself."""

from dataclasses import replace

from eepost.services.portal.visits import Answer, Moved, Page, Shown, Visit


async def show_notices(visit: Visit) -> Answer:
    """Show the choices."""
    return Shown("notices.html", {"preferences": visit.account.preferences})


async def keep_notices(visit: Visit) -> Answer:
    """Keep them."""
    desk, name = visit.desk, visit.account.name
    is_warned = visit.form.get("filling") == "yes"
    await desk.compute(
        lambda: desk.registry.adjust(name, lambda old: replace(old, is_warned=is_warned))
    )
    return Moved("/notices", "Your choice was kept.")


PAGES = (Page("/notices", show_notices, keep_notices),)
