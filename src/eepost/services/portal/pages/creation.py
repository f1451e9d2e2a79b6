# SPDX-License-Identifier: Apache-2.0
"""Making an account."""

from dataclasses import replace

from eepost.accounts.names import NameRefused
from eepost.accounts.passwords import PasswordRefused
from eepost.accounts.ports import NameTaken
from eepost.services.portal.sessions import VISIT_OCTETS
from eepost.services.portal.visits import Answer, Moved, Page, Shown, Visit, Wrong


async def show_creation(_visit: Visit) -> Answer:
    """Ask for a name and a password."""
    return Shown("create.html")


async def create(visit: Visit) -> Answer:
    """Make the account, sign it in, and show the recovery code on the next page."""
    desk, form = visit.desk, visit.form
    name, password = form.get("name", "").strip(), form.get("password", "")
    if password != form.get("again", ""):
        raise Wrong({"again": "The two passwords differ."})
    epoch = desk.authenticator.epoch()
    try:
        created = await desk.compute(lambda: desk.registry.create(name, password))
    except NameRefused as refused:
        raise Wrong({"name": f"Nobody can have this name: {refused.reason}."}) from None
    except NameTaken:
        raise Wrong({"name": "This name is taken, or was once."}) from None
    except PasswordRefused as refused:
        raise Wrong({"password": f"{refused}."}) from None
    if form.get("listed") == "yes":
        await desk.compute(
            lambda: desk.registry.adjust(
                created.account.name, lambda old: replace(old, is_listed=True)
            )
        )
    number = desk.randomness(VISIT_OCTETS)
    desk.sessions.begin(number, created.account, epoch).secret = created.recovery_code
    return Moved("/recovery-code", number=number)


async def show_code(visit: Visit) -> Answer:
    """Show a recovery code that was just made, once."""
    assert visit.session is not None  # noqa: S101 - a page for members
    code, visit.session.secret = visit.session.secret, ""
    return Shown("recovery_code.html", {"code": code})


PAGES = (
    Page(
        "/create",
        show_creation,
        create,
        is_for_members=False,
        secrets=frozenset({"password", "again"}),
    ),
    Page("/recovery-code", show_code),
)
