# SPDX-License-Identifier: Apache-2.0
"""One mail: its text, its HTML in a frame, its files, and what may be done with it."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from eepost.letters.model import Flag, Folder, Summary
from eepost.pages.headers import WITH_FRAME
from eepost.pages.visits import Answer, Moved, Sent, Shown, Wrong
from eepost.sanitise.danger import is_dangerous
from eepost.services.letterbox.ports import DiskFull, NoSuchMessage
from eepost.services.letterbox.webmail import frames
from eepost.services.letterbox.webmail.desk import Page, Visit
from eepost.services.letterbox.webmail.links import Links
from eepost.services.letterbox.webmail.opening import Cover, Mail, open_mail
from eepost.services.letterbox.webmail.openpgp import KeyRefused, TooLarge
from eepost.services.letterbox.webmail.pages.folders import TITLES, shown_time
from eepost.services.letterbox.webmail.records import change_book, change_keys, key_ring

_MISSING: Final = Shown("missing.html", status=404)
_UNSAFE: Final = ".unsafe"


async def opened(visit: Visit, number: int) -> Mail:
    """Return a mail of the account, decrypted where it can be. Raises NoSuchMessage."""
    octets = await visit.mailbox.message(number)
    ring = await key_ring(visit.mailbox)
    return await visit.desk.offload(lambda: open_mail(octets, ring, visit.desk.openpgp))


async def show_text(visit: Visit) -> Answer:
    """Show the text of a mail."""
    return await _shown(visit, as_html=False)


async def show_html(visit: Visit) -> Answer:
    """Show the HTML of a mail, in a frame that can do nothing."""
    return await _shown(visit, as_html=True)


async def _shown(visit: Visit, *, as_html: bool) -> Answer:
    number = visit.numbers()[0]
    try:
        summary = visit.mailbox.summary(number)
        mail = await opened(visit, number)
    except NoSuchMessage:
        return _MISSING
    if not summary.is_read:
        with suppress(DiskFull):  # it can be read all the same
            await visit.mailbox.mark([number], Flag.READ, True)
    as_html = as_html and bool(mail.reading.html)
    values = await visit.desk.offload(lambda: _values(summary, mail, as_html=as_html))
    return Shown("message.html", values, headers=WITH_FRAME if as_html else {})


def _values(summary: Summary, mail: Mail, *, as_html: bool) -> Mapping[str, Any]:
    reading = mail.reading
    links = Links()
    if as_html:
        frames.frame_links(reading, links)
    return {
        "summary": summary,
        "mail": mail,
        "reading": reading,
        "head": reading.head,
        "as_html": as_html,
        "pieces": () if as_html else links.in_text(reading.text),
        "links": links.found,
        "folder": summary.folder,
        "folder_title": TITLES[summary.folder],
        "time": shown_time,
        "Cover": Cover,
        "keys": [each for each in reading.files if each.kind == _KEYS],
    }


_KEYS: Final = "application/pgp-keys"


async def show_frame(visit: Visit) -> Answer:
    """Send what stands in the frame."""
    number = visit.numbers()[0]
    try:
        mail = await opened(visit, number)
    except NoSuchMessage:
        return _MISSING
    page = f"/mail/{number}/html"
    document = await visit.desk.offload(lambda: frames.render_frame(mail.reading, Links(), page))
    return Sent(document, "text/html; charset=utf-8", headers=frames.HEADERS)


async def send_file(visit: Visit) -> Answer:
    """Send a file that came along, for keeping: no browser is to show it."""
    number, at = (*visit.numbers(), 0)[:2]
    try:
        mail = await opened(visit, number)
    except NoSuchMessage:
        return _MISSING
    file = mail.reading.file(at)
    if file is None:
        return _MISSING
    content = mail.reading.content(file.part)
    # What was encrypted was seen by no sanitiser on its way.
    is_unsafe = is_dangerous(file.name, content) and not file.name.endswith(_UNSAFE)
    name = file.name + _UNSAFE if is_unsafe else file.name
    return Sent(content, "application/octet-stream", name)


async def send_source(visit: Visit) -> Answer:
    """Send the whole message as it lies here."""
    number = visit.numbers()[0]
    try:
        octets = await visit.mailbox.message(number)
    except NoSuchMessage:
        return _MISSING
    return Sent(octets, "application/octet-stream", f"message-{number}.eml")


async def act(visit: Visit) -> Answer:
    """Do what a button says."""
    number = visit.numbers()[0]
    do = _ACTS.get(visit.form.get("what", ""))
    if do is None:
        raise Wrong("Choose what to do.")
    try:
        folder = visit.mailbox.summary(number).folder
        return await do(visit, number, f"/folder/{folder}")
    except NoSuchMessage:
        return _MISSING
    except DiskFull:
        raise Wrong("The disk is full: nothing was changed.") from None


async def _trash(visit: Visit, number: int, back: str) -> Answer:
    await visit.mailbox.move([number], Folder.TRASH)
    return Moved(back, "Moved to the trash.")


async def _inbox(visit: Visit, number: int, back: str) -> Answer:
    await visit.mailbox.move([number], Folder.INBOX)
    return Moved(back, "Moved to the inbox.")


async def _erase(visit: Visit, number: int, back: str) -> Answer:
    await visit.mailbox.erase([number])
    return Moved(back, "Deleted for good.")


async def _unread(visit: Visit, number: int, back: str) -> Answer:
    await visit.mailbox.mark([number], Flag.READ, False)
    return Moved(back, "Marked as unread.")


async def _remember(visit: Visit, number: int, _back: str) -> Answer:
    author = (await opened(visit, number)).reading.head.author
    if author is None:
        raise Wrong("It does not say whom it is from.")
    now = visit.desk.now_utc()
    await change_book(visit, lambda book: book.with_people([author], now))
    return Moved(visit.path, "The author is in your address book.")


async def _take_key(visit: Visit, number: int, _back: str) -> Answer:
    reading = (await opened(visit, number)).reading
    content = b"".join(
        reading.content(each.part) + b"\n" for each in reading.files if each.kind == _KEYS
    )
    try:
        found = await visit.desk.offload(lambda: visit.desk.openpgp.read_certificates(content))
    except KeyRefused as refused:
        raise Wrong(refused.reason) from None
    except TooLarge:
        raise Wrong("This key is too large.") from None
    if not await change_keys(visit, lambda ring: ring.with_certificates(found)):
        raise Wrong("You have too many keys: remove some first.")
    return Moved("/keys", "Compare the fingerprint with its owner before you trust it.")


_ACTS: Final[Mapping[str, Callable[[Visit, int, str], Awaitable[Answer]]]] = {
    "trash": _trash,
    "inbox": _inbox,
    "erase": _erase,
    "unread": _unread,
    "remember": _remember,
    "take-key": _take_key,
}

PAGES = (
    Page("/mail/*", show_text, act),
    Page("/mail/*/html", show_html, act),
    Page("/mail/*/frame", show_frame),
    Page("/mail/*/source", send_source),
    Page("/mail/*/file/*", send_file),
)
