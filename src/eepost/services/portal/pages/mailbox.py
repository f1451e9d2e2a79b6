# SPDX-License-Identifier: Apache-2.0
"""What a member sees first: the state of the mailbox."""

from eepost.services.portal.visits import Answer, Page, Shown, Visit


async def show_mailbox(visit: Visit) -> Answer:
    """Show addresses and state."""
    desk = visit.desk
    domains = (desk.name, *desk.official_domains)
    return Shown(
        "mailbox.html", {"addresses": [f"{visit.account.name}@{each}" for each in domains]}
    )


PAGES = (Page("/mailbox", show_mailbox),)
