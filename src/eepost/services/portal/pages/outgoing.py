# SPDX-License-Identifier: Apache-2.0
"""When mail to the Internet leaves."""

from dataclasses import replace

from eepost.accounts.preferences import Delay
from eepost.services.portal.visits import Answer, Moved, Page, Shown, Visit, Wrong


async def show_outgoing(visit: Visit) -> Answer:
    """Show the choices."""
    return Shown("outgoing.html", {"preferences": visit.account.preferences, "delays": Delay})


async def choose_delay(visit: Visit) -> Answer:
    """Keep the choice."""
    desk, name = visit.desk, visit.account.name
    try:
        delay = Delay(visit.form.get("delay", ""))
    except ValueError:
        raise Wrong({"delay": "Choose one of the three."}) from None
    also_local = visit.form.get("local") == "yes"
    await desk.compute(
        lambda: desk.registry.adjust(
            name, lambda old: replace(old, delay=delay, delays_local_copies=also_local)
        )
    )
    return Moved("/outgoing", "Your choice was kept.")


PAGES = (Page("/outgoing", show_outgoing, choose_delay),)
