# SPDX-License-Identifier: Apache-2.0
"""What a member sees first: the state of the mailbox."""

from eepost.services.portal.visits import Answer, Page, Shown, Visit


async def show_mailbox(visit: Visit) -> Answer:
    """Show addresses and how full the mailbox is."""
    desk = visit.desk
    domains = (desk.name, *desk.official_domains)
    usage = await desk.maildrops.usage(visit.account.number)
    return Shown(
        "mailbox.html",
        {
            "addresses": [f"{visit.account.name}@{each}" for each in domains],
            "usage": usage,
            "percent": min(100, usage.octets * 100 // max(1, usage.limit_octets)),
        },
    )


PAGES = (Page("/mailbox", show_mailbox),)
