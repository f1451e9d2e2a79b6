# SPDX-License-Identifier: Apache-2.0
"""Help: how to set a mail program up, what the service protects, what its operator promises."""

from eepost.services.portal.visits import Answer, Page, Shown, Visit


async def show_settings(visit: Visit) -> Answer:
    """Show what to write into a mail program."""
    return Shown("help_settings.html", {"domains": (visit.desk.name, *visit.desk.official_domains)})


async def show_protection(_visit: Visit) -> Answer:
    """Show what the service protects and what it does not."""
    return Shown("help_protection.html")


async def show_keys(_visit: Visit) -> Answer:
    """Show how to use OpenPGP without asking anybody outside I2P."""
    return Shown("help_keys.html")


async def show_policy(visit: Visit) -> Answer:
    """Show the operator's own page."""
    return Shown("policy.html", {"policy": visit.desk.policy})


PAGES = (
    Page("/help", show_settings, is_for_members=False),
    Page("/help/protection", show_protection, is_for_members=False),
    Page("/help/keys", show_keys, is_for_members=False),
    Page("/policy", show_policy, is_for_members=False),
)
