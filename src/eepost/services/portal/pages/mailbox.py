# SPDX-License-Identifier: Apache-2.0
"""What a member sees first: the state of the mailbox, what may be sent, who signed in how often."""

from datetime import UTC, datetime

from eepost.services.portal.sending import StampFate
from eepost.services.portal.visits import Answer, Moved, Page, Shown, Visit, Wrong


async def show_mailbox(visit: Visit) -> Answer:
    """Show addresses and how full the mailbox is."""
    desk = visit.desk
    domains = (desk.name, *desk.official_domains)
    sign_ins = [(_day(day), count) for day, count in desk.sign_ins.of(visit.account.number)]
    usage = await desk.maildrops.usage(visit.account.number)
    return Shown(
        "mailbox.html",
        {
            "addresses": [f"{visit.account.name}@{each}" for each in domains],
            "usage": usage,
            "allowed": await desk.sending.allowed(visit.account),
            "sign_ins": sign_ins,
            "percent": min(100, usage.octets * 100 // max(1, usage.limit_octets)),
        },
    )


async def hand_in(visit: Visit) -> Answer:
    """Count a hashcash stamp."""
    fate = await visit.desk.sending.hand_in(visit.account, visit.form.get("stamp", ""))
    if fate is not StampFate.COUNTED:
        raise Wrong({"stamp": fate.value})
    return Moved("/mailbox", fate.value)


def _day(number: int) -> str:
    return datetime.fromtimestamp(number * 86_400, UTC).strftime("%Y-%m-%d")


PAGES = (Page("/mailbox", show_mailbox, hand_in),)
