# SPDX-License-Identifier: Apache-2.0
"""The letterbox's pages as a person uses them, in Chromium without JavaScript."""

import time

from playwright.sync_api import Page

from tests.office import PASSWORD, PostOffice

FETCH_SECONDS = 20


def open_letterbox(page: Page, name: str, password: str = PASSWORD, identity: str = "") -> None:
    """Fill the form in."""
    page.goto("/sign-in")
    if identity:
        page.get_by_label("Identity").select_option(identity)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def fetch(page: Page) -> None:
    """Look for new mail and wait until it is there; the page loads itself again."""
    page.goto("/folder/inbox")
    page.get_by_role("button", name="Fetch new mail").click()
    deadline = time.monotonic() + FETCH_SECONDS
    while page.get_by_role("button", name="Look for new mail").count() == 0:
        assert time.monotonic() < deadline, page.inner_text("main")
        page.wait_for_timeout(100)
        page.goto("/fetch")
    assert "Done" in page.inner_text("main")
    page.goto("/folder/inbox")


def open_mail(page: Page, subject: str) -> None:
    """Open the first mail of a folder with a subject."""
    page.get_by_role("link", name=subject).first.click()


def until_sent(page: Page, subject: str) -> str:
    """Wait on the outbox until a mail is sent; return what the page says of it."""
    deadline = time.monotonic() + FETCH_SECONDS
    while True:
        page.goto("/outbox")
        item = page.locator("section.item", has=page.get_by_role("heading", name=subject)).first
        text = item.inner_text()
        if "sent, handed in" in text:
            return text
        assert time.monotonic() < deadline, text
        page.wait_for_timeout(100)


def arrived(office: PostOffice, name: str, count: int = 1) -> list[bytes]:
    """Return what lies in a maildrop once there is as much: taken is not yet delivered."""
    deadline = time.monotonic() + FETCH_SECONDS
    while len(found := office.fetch(name)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found
