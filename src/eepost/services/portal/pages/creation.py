# SPDX-License-Identifier: Apache-2.0
"""Making an account."""

from collections.abc import Callable
from dataclasses import replace

from eepost.accounts.names import NameRefused, check_name
from eepost.accounts.passwords import PasswordRefused, check_password
from eepost.accounts.ports import InvitationUsed, NameTaken
from eepost.pages.sessions import VISIT_OCTETS
from eepost.services.portal.gates import Gate, Shut
from eepost.services.portal.visits import Answer, Moved, Page, Sent, Shown, Visit, Wrong


async def show_creation(visit: Visit) -> Answer:
    """Ask for a name and a password, and for what the gates want."""
    gates = visit.desk.gates
    if Gate.CAPTCHA in gates.kinds:
        gates.captchas.ask(visit.number)
    return Shown(
        "create.html",
        {"gates": {each.value for each in gates.kinds}, "bits": gates.hashcash_bits},
    )


async def show_digits(visit: Visit) -> Answer:
    """Draw the digits that this browser has to write."""
    return await _digits(visit, visit.desk.draw, "image/png")


async def speak_digits(visit: Visit) -> Answer:
    """Speak them."""
    return await _digits(visit, visit.desk.speak, "audio/x-wav")


async def _digits(visit: Visit, make: Callable[[str], bytes], media_type: str) -> Answer:
    digits = visit.desk.gates.captchas.asked(visit.number)
    if digits is None:
        return Shown("missing.html", status=404)
    try:
        # In turn, so that not all threads that logins need draw digits for whoever asks.
        async with visit.desk.gates.pen():
            return Sent(await visit.desk.compute(lambda: make(digits)), media_type)
    except Shut:
        return Shown("missing.html", status=503)


async def create(visit: Visit) -> Answer:
    """Make the account, sign it in, and show the recovery code on the next page."""
    desk, form = visit.desk, visit.form
    name, password = form.get("name", "").strip(), form.get("password", "")
    if password != form.get("again", ""):
        raise Wrong({"again": "The two passwords differ."})
    epoch = desk.authenticator.epoch()
    try:
        desk.gates.check_rates(visit.peer)
        address = f"{check_name(name)}@{desk.name}"
        check_password(password)  # before the gates: nobody passes them twice for a typing error
        invitation = desk.gates.check(visit.number, form, address, desk.now_utc())
        with desk.gates.turn():
            created = await desk.compute(lambda: desk.registry.create(name, password, invitation))
    except NameRefused as refused:
        raise Wrong({"name": f"Nobody can have this name: {refused.reason}."}) from None
    except NameTaken:
        raise Wrong({"name": "This name is taken, or was once."}) from None
    except Shut as shut:
        raise Wrong(shut.problems) from None
    except InvitationUsed:
        raise Wrong({"invitation": "This invitation was used already."}) from None
    except PasswordRefused as refused:
        raise Wrong({"password": f"{refused}."}) from None
    desk.gates.count(visit.peer)
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
        secrets=frozenset({"password", "again", "digits"}),
    ),
    Page("/digits.png", show_digits, is_for_members=False),
    Page("/digits.wav", speak_digits, is_for_members=False),
    Page("/recovery-code", show_code),
)
