# SPDX-License-Identifier: Apache-2.0
"""What waits to be sent, what became of it, and what the sanitiser took away."""

from eepost.letters.model import State
from eepost.pages.visits import Answer, Moved, Shown, Wrong
from eepost.sanitise.report import Report
from eepost.sanitise.words import grouped
from eepost.services.letterbox.webmail.desk import Page, Visit
from eepost.services.letterbox.webmail.pages.folders import shown_time

_STATES = {
    State.WAITING: "waits",
    State.SENDING: "is being sent",
    State.SENT: "sent",
    State.REFUSED: "refused",
}


async def show_outbox(visit: Visit) -> Answer:
    """Show everything that waits, and what ended lately."""
    return Shown(
        "outbox.html",
        {
            "waiting": visit.mailbox.waiting(),
            "time": shown_time,
            "states": _STATES,
            "removed": lambda each: grouped(Report(each.report)),
        },
    )


async def cancel(visit: Visit) -> Answer:
    """Take a mail back."""
    text = visit.form.get("number", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
    if not await visit.mailbox.cancel(number):
        raise Wrong("It is being sent just now, or was sent already.")
    return Moved("/outbox", "Taken back: it will not be sent. Your own copy lies under Sent.")


PAGES = (Page("/outbox", show_outbox, cancel),)
