# SPDX-License-Identifier: Apache-2.0
"""The address book, a member's own key in it, and the Web Key Directory.

Trust: anybody who can reach the port reads the book; that is what its entries asked for.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from eepost.accounts.certificates import (
    MAX_GIVEN_OCTETS,
    CertificateRefused,
    make_certificate,
    read_certificate,
)
from eepost.pages.visits import FormBounds
from eepost.services.portal.visits import Answer, Moved, Page, Sent, Shown, Visit, Wrong

_MAX_SEARCH_CHARACTERS: Final = 64
_HERE: Final = "/.well-known/openpgpkey"


async def show_book(visit: Visit) -> Answer:
    """Show whose name holds what was asked for."""
    wanted = visit.query.get("q", "")[:_MAX_SEARCH_CHARACTERS]
    found = await visit.desk.book.search(wanted)
    return Shown("book.html", {"wanted": wanted, "found": [each.name for each in found]})


async def show_entry(visit: Visit) -> Answer:
    """Show one entry and its key."""
    desk = visit.desk
    entry = await desk.book.find(visit.query.get("name", ""))
    if entry is None:
        return Shown("missing.html", status=404)
    certificate = await desk.book.certificate(entry)
    domains = (desk.name, *desk.official_domains)
    values = {
        "name": entry.name,
        "addresses": [f"{entry.name}@{each}" for each in domains],
        "certificate": certificate,
        "expires": _day(certificate.expires_utc) if certificate else "",
    }
    return Shown("entry.html", values)


async def send_key(visit: Visit) -> Answer:
    """Send an entry's key as a file."""
    entry = await visit.desk.book.find(visit.query.get("name", ""))
    certificate = None if entry is None else await visit.desk.book.certificate(entry)
    if entry is None or certificate is None:
        return Shown("missing.html", status=404)
    return Sent(certificate.armored.encode("ascii"), "application/pgp-keys", f"{entry.name}.asc")


async def send_web_key(visit: Visit) -> Answer:
    """Answer a Web Key Directory's question (draft-koch-openpgp-webkey-service 3.1)."""
    hashed = visit.path.rpartition("/")[2]
    entry = await visit.desk.book.by_web_key(hashed)
    certificate = None if entry is None else await visit.desk.book.certificate(entry)
    if certificate is None:
        return Shown("missing.html", status=404)
    return Sent(certificate.octets, "application/octet-stream")


async def send_policy(_visit: Visit) -> Answer:
    """Say that there is a Web Key Directory; an empty policy (the same draft, 4.5)."""
    return Sent(b"", "text/plain")


async def show_own(visit: Visit) -> Answer:
    """Show a member's own entry."""
    desk, number = visit.desk, visit.account.number
    octets = await desk.compute(lambda: desk.accounts.certificate(number))
    certificate = None if octets is None else read_certificate(octets)
    values = {
        "is_listed": visit.account.preferences.is_listed,
        "certificate": certificate,
        "expires": _day(certificate.expires_utc) if certificate else "",
    }
    return Shown("own_entry.html", values)


async def keep_own(visit: Visit) -> Answer:
    """Keep whether to be listed, and the key, if one was given."""
    desk, account, form = visit.desk, visit.account, visit.form
    what = form.get("what", "")
    if what == "listing":
        is_listed = form.get("listed") == "yes"
        await desk.compute(
            lambda: desk.registry.adjust(
                account.name, lambda old: replace(old, is_listed=is_listed)
            )
        )
        return Moved("/key", "Your choice was kept.")
    if what == "remove":
        await desk.compute(lambda: desk.accounts.keep_certificate(account.number, None))
        return Moved("/key", "Your key was removed.")
    given = visit.files[0].octets if visit.files else form.get("key", "").strip().encode()
    if not given:
        raise Wrong({"key": "Paste your public key, or choose the file it is in."})
    addresses = {f"{account.name}@{each}" for each in (desk.name, *desk.official_domains)}
    now = desk.now_utc()
    try:
        made = await desk.compute(lambda: make_certificate(given, addresses, now))
    except CertificateRefused as refused:
        raise Wrong({"key": f"This key can't be kept: {refused.reason}."}) from None
    await desk.compute(lambda: desk.accounts.keep_certificate(account.number, made.octets))
    return Moved("/key", "Your key was kept.")


def _day(utc: int | None) -> str:
    return "" if utc is None else datetime.fromtimestamp(utc, UTC).strftime("%Y-%m-%d")


PAGES = (
    Page("/book", show_book, is_for_members=False),
    Page("/entry", show_entry, is_for_members=False),
    Page("/key.asc", send_key, is_for_members=False),
    Page("/key", show_own, keep_own, bounds=FormBounds(octets=3 * MAX_GIVEN_OCTETS, files=1)),
    # The advanced method has the domain in between; which one the name in the address has.
    Page(f"{_HERE}/policy", send_policy, is_for_members=False),
    Page(f"{_HERE}/*/policy", send_policy, is_for_members=False),
    Page(f"{_HERE}/hu/*", send_web_key, is_for_members=False),
    Page(f"{_HERE}/*/hu/*", send_web_key, is_for_members=False),
)
