# SPDX-License-Identifier: Apache-2.0
"""Folders: lists that are sorted, searched and turned page by page, and what is done with many."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from starlette.datastructures import QueryParams

from eepost.letters.model import Flag, Folder, Order, Summary
from eepost.pages.visits import Answer, FormBounds, Moved, Shown, Wrong
from eepost.services.letterbox.ports import DiskFull
from eepost.services.letterbox.webmail.desk import Page, Visit

# Mails on a page: some 30 kB.
PAGE_LENGTH = 50
MAX_QUERY_CHARACTERS = 200
MAX_PAGE = 100_000
# As people list mail; by number is for programs.
_ORDERS: Final = tuple(each for each in Order if each is not Order.NUMBER)
_PICK: Final = "pick-"
TITLES: Final[Mapping[str, str]] = {
    Folder.INBOX: "Inbox",
    Folder.DRAFTS: "Drafts",
    Folder.SENT: "Sent",
    Folder.TRASH: "Trash",
    Folder.OUTBOX: "Outbox",
}


def shown_time(utc: int) -> str:
    """Return a time for people, in UTC: the machine's zone is nobody's business, even on paper."""
    return f"{datetime.fromtimestamp(utc, UTC):%Y-%m-%d %H:%M}"


async def show_folder(visit: Visit) -> Answer:
    """Show a stretch of a folder."""
    folder = visit.path.rpartition("/")[2]
    if folder not in TITLES:
        return Shown("missing.html", status=404)
    if folder == Folder.OUTBOX:
        return Moved("/outbox")
    query = visit.query.get("q", "")[:MAX_QUERY_CHARACTERS]
    order = _order(visit.query.get("order", ""))
    at = _page_number(visit.query.get("page", "1"))
    found = visit.mailbox.summaries(
        folder, order=order, query=query, start=(at - 1) * PAGE_LENGTH, count=PAGE_LENGTH
    )
    return Shown(
        "folder.html",
        {
            "folder": folder,
            "heading": TITLES[folder],
            "found": found,
            "query": query,
            "order": order,
            "orders": _ORDERS,
            "at": at,
            "pages": max(1, -(-found.total // PAGE_LENGTH)),
            "link": lambda page: _link(folder, query, order, page),
            "time": shown_time,
            "opens": "/write?draft=" if folder == Folder.DRAFTS else "/mail/",
            "people": _people(folder),
        },
    )


def _people(folder: str) -> Callable[[Summary], str]:
    if folder in {Folder.SENT, Folder.DRAFTS}:
        return lambda each: each.recipients
    return lambda each: each.author


def _order(text: str) -> Order:
    return next((each for each in _ORDERS if each.value == text), Order.NEWEST)


def _page_number(text: str) -> int:
    at = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1
    return min(max(at, 1), MAX_PAGE)


def _link(folder: str, query: str, order: Order, page: int) -> str:
    said = {"q": query, "order": order.value, "page": str(page)}
    defaults = {"q": "", "order": Order.NEWEST.value, "page": "1"}
    asked = QueryParams({name: text for name, text in said.items() if text != defaults[name]})
    return f"/folder/{folder}" + (f"?{asked}" if asked else "")


async def act_on_picked(visit: Visit) -> Answer:
    """Do one thing with all mails that are ticked."""
    folder = visit.path.rpartition("/")[2]
    act = _ACTS.get(visit.form.get("what", ""))
    picked = [_number(name) for name in visit.form if name.startswith(_PICK)]
    if act is None or folder not in TITLES:
        raise Wrong("Choose what to do.")
    if not picked:
        raise Wrong("Tick the mails that you mean.")
    do, words = act
    try:
        await do(visit, picked)
    except DiskFull:
        raise Wrong("The disk is full: nothing was changed.") from None
    query, order = visit.query.get("q", ""), _order(visit.query.get("order", ""))
    back = _link(folder, query, order, _page_number(visit.query.get("page", "1")))
    return Moved(back, words)


def _number(name: str) -> int:
    text = name.removeprefix(_PICK)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


async def _trash(visit: Visit, picked: list[int]) -> None:
    await visit.mailbox.move(picked, Folder.TRASH)


async def _inbox(visit: Visit, picked: list[int]) -> None:
    await visit.mailbox.move(picked, Folder.INBOX)


async def _erase(visit: Visit, picked: list[int]) -> None:
    await visit.mailbox.erase(picked)


async def _read(visit: Visit, picked: list[int]) -> None:
    await visit.mailbox.mark(picked, Flag.READ, True)


async def _unread(visit: Visit, picked: list[int]) -> None:
    await visit.mailbox.mark(picked, Flag.READ, False)


_ACTS: Final[Mapping[str, tuple[Callable[[Visit, list[int]], Awaitable[None]], str]]] = {
    "trash": (_trash, "Moved to the trash."),
    "inbox": (_inbox, "Moved to the inbox."),
    "erase": (_erase, "Deleted for good."),
    "read": (_read, "Marked as read."),
    "unread": (_unread, "Marked as unread."),
}

PAGES = (Page("/folder/*", show_folder, act_on_picked, bounds=FormBounds(fields=PAGE_LENGTH + 10)),)
