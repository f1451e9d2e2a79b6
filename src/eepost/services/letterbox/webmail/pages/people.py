# SPDX-License-Identifier: Apache-2.0
"""The user's own address book: whom he wrote to, and whom he put there."""

from eepost.pages.visits import Answer, Moved, Shown, Wrong
from eepost.services.letterbox.ports import DiskFull
from eepost.services.letterbox.webmail.composing import Unreadable, read_addresses
from eepost.services.letterbox.webmail.desk import Page, Visit
from eepost.services.letterbox.webmail.openpgp import describe
from eepost.services.letterbox.webmail.records import book, change_book, key_ring

# People on the page; the rest is found by searching.
MAX_SHOWN = 200
MAX_WORDS_CHARACTERS = 200


async def show_book(visit: Visit) -> Answer:
    """Show whoever a search finds."""
    words = visit.query.get("q", "")[:MAX_WORDS_CHARACTERS]
    found = (await book(visit.mailbox)).found(words)
    ring = await key_ring(visit.mailbox)
    known = await visit.desk.offload(lambda: list(map(describe, ring.certificates.values())))
    with_key = {address for each in known for address in each.addresses}
    return Shown(
        "book.html",
        {
            "words": words,
            "people": found[:MAX_SHOWN],
            "more": max(0, len(found) - MAX_SHOWN),
            "with_key": with_key,
        },
    )


async def change(visit: Visit) -> Answer:
    """Put somebody in, or take somebody out."""
    form = visit.form
    removed = form.get("remove")
    try:
        if removed is not None:
            await change_book(visit, lambda kept: kept.without(removed))
            return Moved("/book", "Taken out of your address book.")
        people = list(read_addresses(form.get("person", ""), visit.domain))
        if not people:
            raise Wrong({"person": "Give an address."})
        await change_book(visit, lambda kept: kept.with_people(people, 0))
    except Unreadable:
        raise Wrong({"person": "This is no address."}) from None
    except DiskFull:
        raise Wrong("The disk is full: nothing was changed.") from None
    return Moved("/book", "In your address book.")


PAGES = (Page("/book", show_book, change),)
