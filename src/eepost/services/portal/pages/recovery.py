# SPDX-License-Identifier: Apache-2.0
"""Recovery codes and keys: getting in with a code, a new code, a new pair of keys."""

from collections.abc import Callable

from eepost.accounts.passwords import PasswordRefused
from eepost.accounts.ports import NoSuchAccount
from eepost.accounts.registry import OldRecoveryCode, WrongPassword, WrongRecoveryCode
from eepost.seal.recovery import RecoveryCodeRefused
from eepost.services.portal.gates import Shut
from eepost.services.portal.pages.password import check_own_password
from eepost.services.portal.visits import Answer, Moved, Page, Shown, Visit, Wrong


async def show_recovery(_visit: Visit) -> Answer:
    """Ask for name, code and a new password."""
    return Shown("recover.html")


async def recover(visit: Visit) -> Answer:
    """Open what the code opens by a new password; unknown names and wrong codes are told alike."""
    desk, form = visit.desk, visit.form
    name, code, password = form.get("name", ""), form.get("code", ""), form.get("password", "")
    if password != form.get("again", ""):
        raise Wrong({"again": "The two passwords differ."})
    try:
        with desk.gates.turn():
            await desk.compute(lambda: desk.registry.recover(name.strip(), code, password))
    except Shut as shut:
        raise Wrong(shut.problems) from None
    except PasswordRefused as refused:
        raise Wrong({"password": f"{refused}."}) from None
    except RecoveryCodeRefused as refused:
        raise Wrong({"code": f"{refused}."}) from None
    except OldRecoveryCode:
        raise Wrong(
            {"code": "This is an older code: it opens old mail only, together with your password."}
        ) from None
    except (NoSuchAccount, WrongRecoveryCode):
        raise Wrong({"code": "Name and code do not belong together."}) from None
    return Moved("/sign-in")


async def show_keys(_visit: Visit) -> Answer:
    """Offer a new code, or new keys and a new code."""
    return Shown("keys.html")


async def renew(visit: Visit) -> Answer:
    """Make what was asked for and show the new code on the next page."""
    desk, name, old = visit.desk, visit.account.name, visit.form.get("old", "")
    await check_own_password(visit, old)
    make: Callable[[str, str], str] = desk.registry.renew_recovery_code
    if visit.form.get("what") == "keys":
        make = desk.registry.rotate_keys
    try:
        with desk.gates.turn():
            code = await desk.compute(lambda: make(name, old))
    except Shut as shut:
        raise Wrong(shut.problems) from None
    except WrongPassword:
        raise Wrong({"old": "This is not your password."}) from None
    assert visit.session is not None  # noqa: S101 - a page for members
    visit.session.secret = code
    return Moved("/recovery-code")


PAGES = (
    Page(
        "/recover",
        show_recovery,
        recover,
        is_for_members=False,
        secrets=frozenset({"code", "password", "again"}),
    ),
    Page("/keys", show_keys, renew, secrets=frozenset({"old"})),
)
