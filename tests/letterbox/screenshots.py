# SPDX-License-Identifier: Apache-2.0
"""Pictures of the letterbox's pages in both themes: `make screenshots` writes them.

`python -m tests.letterbox.screenshots DIRECTORY`
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from eepost.letters.model import Flag, Folder, Phase, Progress
from eepost.services.letterbox.ports import Fate, Outcome
from tests.letterbox.fakes import PASSWORD
from tests.letterbox.inside import Inside, inside
from tests.letterbox.pages import open_letterbox
from tests.portal.chromium import chromium, window

PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)
LETTERS = (
    ("Zofia <zofia@mail.i2p>", "The garden in spring", 12, "I have put the seeds aside for you.\n"),
    ("postmaster@mail.i2p", "Maintenance on Sunday", 9, "The service is away for an hour.\n"),
    ("Bob <bob@mail.i2p>", "Re: a boat for the summer", 7, "Yes, let us look at it together.\n"),
    ("news@club.i2p", "Letter of the club, number 7", 5, ""),
    ("Bob <bob@mail.i2p>", "Where we meet", 3, ""),
)
NEWS = """Content-Type: multipart/alternative; boundary=e

--e
Content-Type: text/plain; charset=utf-8

The club meets on the third. Read more at http://club.i2p/meeting?from=letter
and at https://club.example/way

--e
Content-Type: text/html; charset=utf-8

<h2>The club meets</h2><p>On the third, as always at the old bridge.
<img src="https://tracker.example/pixel?you" alt=""></p>
<p>Read more <a href="http://club.i2p/meeting?from=letter">here</a>, or look at the
<a href="https://maps.example/?q=bridge">club.i2p/way</a>.</p>
--e--
"""


def message(author: str, subject: str, day: int, body: str) -> bytes:
    """Return one of the letters."""
    head = (
        f"From: {author}\nTo: alice@mail.i2p\nSubject: {subject}\n"
        f"Date: Mon, {day} Nov 2026 09:{day:02}:00 +0000\n"
    )
    if "club" in author:
        return (head + NEWS).replace("\n", "\r\n").encode()
    if "Where" in subject:
        body = (
            'Content-Type: multipart/mixed; boundary="f"\n\n--f\n\nAt the old bridge. The map.'
            '\nBob\n--f\nContent-Type: image/png; name="map.png"\nContent-Disposition: attachment;'
            f' filename="map.png"\nContent-Transfer-Encoding: base64\n\n{PICTURE}\n--f--\n'
        )
        return (head + body).replace("\n", "\r\n").encode()
    return (head + "\n" + body).replace("\n", "\r\n").encode()


def furnish(pages: Inside) -> None:
    """Put the letters in, and let one wait to be sent."""
    for at, letter in enumerate(LETTERS):
        number = pages.put(message(*letter))
        if at in {0, 2}:
            pages.run(pages.mailbox().mark([number], Flag.READ, True))
    leaving = (
        b"From: alice@mail.i2p\r\nTo: bob@mail.i2p\r\nSubject: Pictures of the boat\r\nUser-Agent:"
        b" Mail/1.0\r\nX-Mailer: Mail\r\nReceived: from laptop\r\n\r\nHere they are.\r\n"
    )
    put_off = Outcome(Fate.PUT_OFF, "451 4.3.2 Try again later")
    pages.services["me"].outcomes["bob@mail.i2p"] = put_off
    pages.run(pages.mailbox().send("alice@mail.i2p", ["bob@mail.i2p"], leaving))
    pages.run(pages.mailbox().file(Folder.SENT, leaving, flags=Flag.READ))


def hold_fetching(pages: Inside) -> None:
    """Let a round of fetching seem half-way for ever."""
    half_way = Progress(Phase.FETCHING, 3, 12, 260_000, 1_100_000)
    vars(pages.mailbox())["progress"] = lambda: half_way


def take(browser: Any, pages: Inside, folder: Path, scheme: str) -> int:
    """Take the pictures of one theme and return how many there are."""
    shown = {
        "inbox": "/folder/inbox",
        "mail": "/mail/5",
        "mail-text": "/mail/4",
        "mail-html": "/mail/4/html",
        "reply": "/write?reply=5",
        "outbox": "/outbox",
        "book": "/book",
        "keys": "/keys",
        "help": "/help",
        "sign-out": "/sign-out",
    }
    with window(browser, pages.port, scheme=scheme) as page:
        page.goto("/sign-in")
        page.screenshot(path=folder / f"sign-in-{scheme}.png", full_page=True)
        open_letterbox(page, "alice", PASSWORD)
        for name, path in shown.items():
            page.goto(path)
            page.screenshot(path=folder / f"{name}-{scheme}.png", full_page=True)
        hold_fetching(pages)
        page.goto("/fetch")
        page.screenshot(path=folder / f"fetch-{scheme}.png", full_page=True)
        del vars(pages.mailbox())["progress"]
    with window(browser, pages.port, scheme=scheme, width=360) as page:
        open_letterbox(page, "alice", PASSWORD)
        page.goto("/folder/inbox")
        page.screenshot(path=folder / f"telephone-{scheme}.png", full_page=True)
    return len(shown) + 3


def main(folder: Path) -> None:
    """Serve the pages over a store of their own, take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, inside(Path(scratch)) as pages:
        furnish(pages)
        with chromium() as browser:
            with window(browser, pages.port) as page:
                open_letterbox(page, "alice", PASSWORD)
                page.goto("/keys")
                page.get_by_role("button", name="Make a new key").click()
                page.goto("/book")
                page.get_by_label("Name and address").fill("Bob <bob@mail.i2p>")
                page.get_by_role("button", name="Put in").click()
            counts = [take(browser, pages, folder, scheme) for scheme in ("light", "dark")]
    print(f"{sum(counts)} pictures in {folder}")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
