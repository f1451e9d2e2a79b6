# SPDX-License-Identifier: Apache-2.0
"""OpenPGP keys: made, taken in, given out.

A private key leaves by one form only, after the password was given again.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from eepost.pages.visits import Answer, FormBounds, Moved, Sent, Shown, Wrong
from eepost.services.letterbox.ports import (
    DiskFull,
    OldPasswordNeeded,
    TooManyGuesses,
    Unreachable,
    WrongPassword,
)
from eepost.services.letterbox.webmail import openpgp
from eepost.services.letterbox.webmail.desk import Page, Visit
from eepost.services.letterbox.webmail.openpgp import KeyRefused, KeyRing, TooLarge
from eepost.services.letterbox.webmail.records import change_keys, key_ring

_TYPE: Final = "application/pgp-keys"


async def show_keys(visit: Visit) -> Answer:
    """Show the user's keys and other people's."""
    ring = await key_ring(visit.mailbox)
    own, others = await visit.desk.offload(lambda: _described(ring))
    return Shown("keys.html", {"own": own, "others": others})


def _described(ring: KeyRing) -> tuple[list[openpgp.Known], list[openpgp.Known]]:
    own = [openpgp.describe(bytes(each.certificate)) for each in ring.own]
    others = [openpgp.describe(each) for each in ring.certificates.values()]
    return own, sorted(others, key=lambda each: each.addresses)


async def change(visit: Visit) -> Answer:
    """Do what a button says."""
    act = _ACTS.get(visit.form.get("what", ""))
    if act is None:
        raise Wrong("Choose what to do.")
    try:
        return await act(visit)
    except KeyRefused as refused:
        raise Wrong(refused.reason) from None
    except TooLarge:
        raise Wrong("This key is too large.") from None
    except DiskFull:
        raise Wrong("The disk is full: nothing was changed.") from None


async def _make(visit: Visit) -> Answer:
    key = await visit.desk.offload(lambda: openpgp.make_key(visit.mailbox.address))
    await change_keys(visit, lambda ring: ring.with_own(key))
    return Moved("/keys", "You have a key. Give its public half to whoever writes to you.")


async def _take_own(visit: Visit) -> Answer:
    given, passphrase = _given(visit), visit.form.get("passphrase", "")
    key = await visit.desk.offload(lambda: visit.desk.openpgp.read_own_key(given, passphrase))
    await change_keys(visit, lambda ring: ring.with_own(key))
    return Moved("/keys", "Your key was taken in.")


async def _take_others(visit: Visit) -> Answer:
    given = _given(visit)
    found = await visit.desk.offload(lambda: visit.desk.openpgp.read_certificates(given))
    if not await change_keys(visit, lambda ring: ring.with_certificates(found)):
        raise Wrong("You have too many keys: remove some first.")
    return Moved("/keys", "Compare the fingerprint with its owner before you trust it.")


async def _remove(visit: Visit) -> Answer:
    fingerprint = visit.form.get("fingerprint", "")
    await change_keys(visit, lambda ring: ring.without(fingerprint))
    return Moved("/keys", "The key was removed.")


def _given(visit: Visit) -> bytes:
    """Return what was chosen as a file, or else pasted."""
    if visit.files:
        return visit.files[0].octets
    return visit.form.get("key", "").encode()


async def show_public(visit: Visit) -> Answer:
    """Send the public half of the newest key."""
    ring = await key_ring(visit.mailbox)
    if not ring.own:
        return Shown("missing.html", status=404)
    text = await visit.desk.offload(lambda: openpgp.public_text(ring.own[0]))
    return Sent(text.encode("ascii"), _TYPE, "public-key.asc")


async def show_export(visit: Visit) -> Answer:
    """Ask for the password."""
    ring = await key_ring(visit.mailbox)
    return Shown("export.html", {"has_key": bool(ring.own)})


async def export(visit: Visit) -> Answer:
    """Send all private keys of the user, to himself."""
    mailbox = visit.mailbox
    try:
        await visit.desk.letterbox.sign_in(
            mailbox.identity, mailbox.address, visit.form.get("password", "")
        )
    except (WrongPassword, OldPasswordNeeded, TooManyGuesses, Unreachable):
        raise Wrong({"password": "This is not your password."}) from None
    ring = await key_ring(mailbox)
    text = await visit.desk.offload(lambda: "\n".join(map(openpgp.private_text, ring.own)))
    return Sent(text.encode("ascii"), _TYPE, "private-key.asc")


_ACTS: Final[Mapping[str, Callable[[Visit], Awaitable[Answer]]]] = {
    "make": _make,
    "own": _take_own,
    "others": _take_others,
    "remove": _remove,
}
_BOUNDS: Final = FormBounds(octets=3 * openpgp.MAX_KEY_OCTETS, files=2)
PAGES = (
    Page("/keys", show_keys, change, secrets=frozenset(("passphrase", "key")), bounds=_BOUNDS),
    Page("/keys/public.asc", show_public),
    Page("/keys/export", show_export, export, secrets=frozenset(("password",))),
)
