# SPDX-License-Identifier: Apache-2.0
"""The first page, signing in and signing out."""

from eepost.accounts.authenticator import Busy, WrongCredentials
from eepost.pages.sessions import VISIT_OCTETS
from eepost.services.portal.visits import Answer, Moved, Page, Shown, Visit, Wrong


async def show_front(visit: Visit) -> Answer:
    """Say what this is, or show a member his mailbox."""
    return Moved("/mailbox") if visit.session is not None else Shown("front.html")


async def show_sign_in(_visit: Visit) -> Answer:
    """Ask for name and password."""
    return Shown("sign_in.html")


async def sign_in(visit: Visit) -> Answer:
    """Begin a session; what is wrong with a login is not told."""
    desk = visit.desk
    epoch = desk.authenticator.epoch()
    found = await desk.authenticator.check_submission(
        visit.form.get("name", ""), visit.form.get("password", ""), visit.peer
    )
    match found:
        case WrongCredentials():
            raise Wrong("Name or password is wrong.")
        case Busy():
            raise Wrong("Too many sign-ins right now. Try again in a minute.")
        case account:
            number = desk.randomness(VISIT_OCTETS)
            desk.sessions.begin(number, account, epoch)
            desk.sign_ins.note(account.number)
            return Moved("/mailbox", number=number)


async def show_sign_out(_visit: Visit) -> Answer:
    """Ask which sessions to end."""
    return Shown("sign_out.html")


async def sign_out(visit: Visit) -> Answer:
    """End this session, or all of the account."""
    if visit.form.get("which") == "all":
        visit.desk.sessions.end_all_of(visit.account)
    visit.desk.sessions.end(visit.number)
    return Moved("/", number=visit.desk.randomness(VISIT_OCTETS))


PAGES = (
    Page("/", show_front, is_for_members=False),
    Page("/sign-in", show_sign_in, sign_in, is_for_members=False, secrets=frozenset({"password"})),
    Page("/sign-out", show_sign_out, sign_out),
)
