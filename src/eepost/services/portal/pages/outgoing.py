# SPDX-License-Identifier: Apache-2.0
"""When mail to the Internet leaves, and what waits to."""

from dataclasses import replace
from datetime import UTC, datetime

from eepost.accounts.preferences import Delay
from eepost.services.portal.visits import Answer, Moved, Page, Shown, Visit, Wrong

# 63 bits.
_MAX_DIGITS = 19


async def show_outgoing(visit: Visit) -> Answer:
    """Show the choices, and what waits."""
    waiting = await visit.desk.sending.waiting(visit.account)
    return Shown(
        "outgoing.html",
        {
            "preferences": visit.account.preferences,
            "waiting": [(each, _instant(each.leaves_utc)) for each in waiting],
        },
    )


async def choose_delay(visit: Visit) -> Answer:
    """Keep the choice, or take a message back."""
    if "cancel" in visit.form:
        return await _cancel(visit)
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


async def _cancel(visit: Visit) -> Answer:
    text = visit.form["cancel"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else -1
    if not await visit.desk.sending.cancel(visit.account, number):
        raise Wrong("This message is not waiting any more: it has left, or was taken back before.")
    return Moved("/outgoing", "The message was taken back. Nobody gets it.")


def _instant(utc: int) -> str:
    return datetime.fromtimestamp(utc, UTC).strftime("%Y-%m-%d %H:%M UTC")


PAGES = (Page("/outgoing", show_outgoing, choose_delay),)
