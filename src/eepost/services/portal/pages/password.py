# SPDX-License-Identifier: Apache-2.0
"""Changing the password."""

from eepost.accounts.authenticator import Busy, WrongCredentials
from eepost.accounts.passwords import PasswordRefused
from eepost.accounts.registry import WrongPassword
from eepost.pages.sessions import VISIT_OCTETS
from eepost.services.portal.gates import Shut
from eepost.services.portal.visits import Answer, Moved, Page, Shown, Visit, Wrong


async def check_own_password(visit: Visit, password: str) -> None:
    """Let the authenticator look at a member's password, so that guesses are slowed as at a login.

    Raises Wrong.
    """
    found = await visit.desk.authenticator.check_submission(
        visit.account.name, password, visit.peer
    )
    if isinstance(found, WrongCredentials):
        raise Wrong({"old": "This is not your password."})
    if isinstance(found, Busy):
        raise Wrong("Too many sign-ins right now. Try again in a minute.")


async def show_password(_visit: Visit) -> Answer:
    """Ask for the old password and a new one."""
    return Shown("password.html")


async def change_password(visit: Visit) -> Answer:
    """Wrap the keys under the new password; all other sessions end."""
    desk, name = visit.desk, visit.account.name
    old, new = visit.form.get("old", ""), visit.form.get("password", "")
    if new != visit.form.get("again", ""):
        raise Wrong({"again": "The two passwords differ."})
    await check_own_password(visit, old)
    try:
        with desk.gates.turn():
            await desk.compute(lambda: desk.registry.change_password(name, old, new))
    except Shut as shut:
        raise Wrong(shut.problems) from None
    except WrongPassword:
        raise Wrong({"old": "This is not your password."}) from None
    except PasswordRefused as refused:
        raise Wrong({"password": f"{refused}."}) from None
    epoch = desk.authenticator.epoch()
    account = await desk.compute(lambda: desk.registry.find(name))
    desk.sessions.end_all_of(account)
    number = desk.randomness(VISIT_OCTETS)
    desk.sessions.begin(number, account, epoch)
    return Moved("/mailbox", "Your password was changed.", number)


PAGES = (
    Page(
        "/password",
        show_password,
        change_password,
        secrets=frozenset({"old", "password", "again"}),
    ),
)
