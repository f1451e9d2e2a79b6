# SPDX-License-Identifier: Apache-2.0
"""Pictures of every page in both themes: `make screenshots` writes them into docs/pictures/portal.

`python -m tests.portal.screenshots DIRECTORY`
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from eepost.services.portal.site import PAGES
from tests.far_gateway import FarGateway
from tests.journeys.test_to_the_internet import letter
from tests.office import OFFICIAL, PASSWORD, PostOffice, address
from tests.portal.chromium import chromium, sign_in, window

# What is no page, or shows nothing without a question.
LEFT_OUT = ("/.well-known", "/style", "/key.asc", "/digits", "/recovery-code")
ASKED = {"/entry": "/entry?name=alice"}


def take(browser: Any, office: PostOffice, folder: Path, scheme: str) -> int:
    """Take the pictures of one theme and return how many there are."""
    count = 0
    with window(browser, office.portal_port, scheme=scheme) as page:
        for is_member in (False, True):
            if is_member:
                sign_in(page, "alice", PASSWORD)
            for each in PAGES:
                if each.is_for_members is not is_member or each.path.startswith(LEFT_OUT):
                    continue
                page.goto(ASKED.get(each.path, each.path))
                name = each.path.strip("/").replace("/", "-") or "front"
                page.screenshot(path=folder / f"{name}-{scheme}.png", full_page=True)
                count += 1
    return count


def be_busy(office: PostOffice) -> None:
    """Let mail lie in the mailbox, and some wait to leave."""
    for size in (40_000, 900_000, 6_000_000):
        body = (b"All is well here." * 4 + b"\r\n") * (size // 70)
        office.submit(address("bob"), address("alice"), b"Subject: Letter\r\n\r\n" + body)
    for recipient in ("carol@example.com", "dave@example.net"):
        office.submit(address("alice"), recipient, letter(recipient).encode())


def main(folder: Path) -> None:
    """Start a post office, take all pictures, stop it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, FarGateway() as gateway:
        portal = {"portal": {"gates": ("captcha",)}}
        office = PostOffice(Path(scratch) / "office", portal).create()
        office.change_config('#message_id_domain = ""', f'message_id_domain = "{OFFICIAL}"')
        office.add("alice", "bob")
        with office.registry() as registry:
            registry.adjust("alice", lambda old: replace(old, is_listed=True))
        gateway.introduce_to(office.directory)
        office.start()
        be_busy(office)
        try:
            with chromium() as browser:
                counts = [take(browser, office, folder, scheme) for scheme in ("light", "dark")]
        finally:
            office.stop()
    print(f"{sum(counts)} pictures in {folder}")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
