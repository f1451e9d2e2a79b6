# SPDX-License-Identifier: Apache-2.0
"""Signing in and out."""

from eepost.pages.sessions import VISIT_OCTETS
from eepost.pages.visits import Answer, Moved, Shown, Wrong
from eepost.services.letterbox.ports import (
    DiskFull,
    InUse,
    LockDamaged,
    Mailbox,
    OldPasswordNeeded,
    TooManyGuesses,
    Unreachable,
    WrongPassword,
)
from eepost.services.letterbox.webmail.desk import Page, Session, Visit

_OUTCOMES: dict[type[Exception], str] = {
    WrongPassword: "Name or password is wrong.",
    TooManyGuesses: "Too many wrong passwords came: nothing is looked at for a minute.",
    Unreachable: "The service can't be reached now, and the first time it has to say that this is"
    " your password. Try again in some minutes.",
    DiskFull: "The disk is full: nothing could be kept.",
    LockDamaged: "The file that locks your letters is damaged: put it back from a backup.",
    InUse: "Another letterbox has these letters open: end it first.",
    KeyError: "There is no such identity.",
}


async def show_front(visit: Visit) -> Answer:
    """Lead on."""
    return Moved("/sign-in" if visit.session is None else "/folder/inbox")


async def show_sign_in(visit: Visit) -> Answer:
    """Ask for identity, name and password."""
    return Shown("sign_in.html", {"identities": visit.desk.letterbox.identities})


async def sign_in(visit: Visit) -> Answer:
    """Open the account and look for new mail."""
    letterbox, form = visit.desk.letterbox, visit.form
    identity = form.get("identity") or next(iter(letterbox.identities), "")
    try:
        mailbox = await letterbox.sign_in(identity, form.get("name", ""), form.get("password", ""))
    except OldPasswordNeeded:
        return Moved("/new-password")
    except tuple(_OUTCOMES) as outcome:
        raise Wrong(_words(outcome)) from None
    return _begin(visit, mailbox)


async def show_new_password(visit: Visit) -> Answer:
    """Ask for the old password, under which the letters here are locked, and the new one."""
    return Shown("new_password.html", {"identities": visit.desk.letterbox.identities})


async def take_new_password(visit: Visit) -> Answer:
    """Lock the letters under the password that the service takes by now."""
    letterbox, form = visit.desk.letterbox, visit.form
    identity = form.get("identity") or next(iter(letterbox.identities), "")
    try:
        mailbox = await letterbox.change_password(
            identity, form.get("name", ""), form.get("old", ""), form.get("password", "")
        )
    except OldPasswordNeeded:
        raise Wrong({"old": "This is the new one. Give the one before it here."}) from None
    except tuple(_OUTCOMES) as outcome:
        raise Wrong(_words(outcome)) from None
    return _begin(visit, mailbox)


def _words(outcome: Exception) -> str:
    return next(words for kind, words in _OUTCOMES.items() if isinstance(outcome, kind))


def _begin(visit: Visit, mailbox: Mailbox) -> Answer:
    desk = visit.desk
    desk.sessions.end(visit.number)
    number = desk.randomness(VISIT_OCTETS)
    desk.sessions.enter(number, Session((mailbox.identity, mailbox.address), mailbox))
    mailbox.start_fetching()
    return Moved("/folder/inbox", number=number)


async def show_sign_out(visit: Visit) -> Answer:
    """Ask what to end."""
    waiting = sum(not each.is_over for each in visit.mailbox.waiting())
    return Shown("sign_out.html", {"waiting": waiting})


async def sign_out(visit: Visit) -> Answer:
    """End all browsers of the account, and lock its letters where that is asked for."""
    desk = visit.desk
    assert visit.session is not None  # noqa: S101 - a page for members
    mailbox, owner = visit.mailbox, visit.session.owner
    if visit.form.get("which") == "lock":
        desk.sessions.end_all_of_owner(owner)
        await desk.letterbox.lock(mailbox)
    desk.sessions.end(visit.number)
    return Moved("/sign-in", number=desk.randomness(VISIT_OCTETS))


_SECRETS = frozenset(("password", "old"))
PAGES = (
    Page("/", show_front, is_for_members=False),
    Page("/sign-in", show_sign_in, sign_in, is_for_members=False, secrets=_SECRETS),
    Page(
        "/new-password",
        show_new_password,
        take_new_password,
        is_for_members=False,
        secrets=_SECRETS,
    ),
    Page("/sign-out", show_sign_out, sign_out),
)
