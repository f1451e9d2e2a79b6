# SPDX-License-Identifier: Apache-2.0
"""Emptying the mailbox, disabling the account, deleting it."""

from eepost.accounts.model import State
from eepost.pages.sessions import VISIT_OCTETS
from eepost.services.portal.pages.password import check_own_password
from eepost.services.portal.visits import Answer, Moved, Page, Shown, Visit, Wrong


async def show_emptying(visit: Visit) -> Answer:
    """Say how much would go."""
    return Shown("empty.html", {"usage": await visit.desk.maildrops.usage(visit.account.number)})


async def empty(visit: Visit) -> Answer:
    """Delete all mail; the account stays."""
    await check_own_password(visit, visit.form.get("old", ""))
    count = await visit.desk.maildrops.empty(visit.account.number)
    return Moved("/mailbox", f"Deleted: {count} messages.")


async def show_closing(_visit: Visit) -> Answer:
    """Say what disabling and deleting mean."""
    return Shown("close.html")


async def close(visit: Visit) -> Answer:
    """Disable the account, or ask once more before deleting it."""
    desk, account = visit.desk, visit.account
    await check_own_password(visit, visit.form.get("old", ""))
    if visit.form.get("what") == "delete":
        # Twice, and the second time by name: this can't be taken back by anybody.
        if visit.form.get("name", "").strip().lower() != account.name:
            raise Wrong({"name": "To delete the account, write its name here."})
        await desk.compute(lambda: desk.registry.delete(account.name))
        desk.sign_ins.forget(account.number)
    else:
        await desk.compute(lambda: desk.registry.set_state(account.name, State.DISABLED))
    desk.sessions.end_all_of(account)
    return Moved("/", number=desk.randomness(VISIT_OCTETS))


PAGES = (
    Page("/empty", show_emptying, empty, secrets=frozenset({"old"})),
    Page("/close", show_closing, close, secrets=frozenset({"old"})),
)
