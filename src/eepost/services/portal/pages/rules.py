# SPDX-License-Identifier: Apache-2.0
"""Whose mail is taken, and what the sanitiser may do differently for this account."""

import re
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import Any, Final, TypeVar

from eepost.accounts.preferences import MAX_BLOCKED, InternetMail
from eepost.sanitise.choices import Choices, Dangerous, Html, OnFailure
from eepost.services.portal.visits import Answer, Moved, Page, Shown, Visit, Wrong

Chosen = TypeVar("Chosen", bound=Enum)

# An address, or @ and a domain; what it means is the business of who compares.
_SENDER = re.compile(r"[^\s@<>,;\"]{0,64}@[^\s@<>,;\"]{1,255}")
_SWITCHES: Final = (
    "keeps_receipts",
    "keeps_threads",
    "keeps_reply_to",
    "keeps_autocrypt",
    "keeps_auto_submitted",
    "maps_ids_back",
    "keeps_first_hop",
    "refuses_telling_signed",
)
_KINDS: Final[Mapping[str, type[Enum]]] = {
    "html": Html,
    "unclean": OnFailure,
    "unknown": OnFailure,
    "foreign_user_ids": OnFailure,
    "dangerous": Dangerous,
}


async def show_rules(visit: Visit) -> Answer:
    """Show whose mail is taken."""
    preferences = visit.account.preferences
    blocked = "\n".join(preferences.blocked)
    return Shown(
        "rules.html", {"preferences": preferences, "blocked": blocked, "kinds": InternetMail}
    )


async def keep_rules(visit: Visit) -> Answer:
    """Keep whose mail is taken."""
    desk, name = visit.desk, visit.account.name
    kind = _chosen(InternetMail, visit.form.get("internet_mail", ""), "internet_mail")
    blocked = tuple(dict.fromkeys(visit.form.get("blocked", "").lower().split()))
    wrong = [each for each in blocked if not _SENDER.fullmatch(each)]
    if wrong:
        raise Wrong({"blocked": "One on each line: an address, or @ and a domain for all of it."})
    if len(blocked) > MAX_BLOCKED:
        raise Wrong({"blocked": f"No more than {MAX_BLOCKED} senders can be blocked."})
    await desk.compute(
        lambda: desk.registry.adjust(
            name, lambda old: replace(old, internet_mail=kind, blocked=blocked)
        )
    )
    return Moved("/rules", "Your rules were kept.")


async def show_cleaning(visit: Visit) -> Answer:
    """Show the sanitiser's choices."""
    choices = visit.account.preferences.cleaning
    return Shown("cleaning.html", {"choices": choices, "defaults": Choices(), "kinds": _KINDS})


async def keep_cleaning(visit: Visit) -> Answer:
    """Keep the sanitiser's choices; a box that is not ticked is not sent."""
    desk, name, form = visit.desk, visit.account.name, visit.form
    kept: dict[str, Any] = {
        field: _chosen(kind, form.get(field, ""), field) for field, kind in _KINDS.items()
    }
    kept |= {field: form.get(field) == "yes" for field in _SWITCHES}
    await desk.compute(
        lambda: desk.registry.adjust(
            name, lambda old: replace(old, cleaning=replace(old.cleaning, **kept))
        )
    )
    return Moved("/cleaning", "Your choices were kept.")


def _chosen(kind: type[Chosen], text: str, field: str) -> Chosen:
    try:
        return kind(text)
    except ValueError:
        raise Wrong({field: "Choose one of those that are offered."}) from None


PAGES = (
    Page("/rules", show_rules, keep_rules),
    Page("/cleaning", show_cleaning, keep_cleaning),
)
