# SPDX-License-Identifier: Apache-2.0
"""Journeys in a real browser without JavaScript, and whether everybody can use the pages."""

import re
import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from eepost.services.portal.site import PAGES
from tests.office import PASSWORD, PostOffice, address, mail
from tests.portal.chromium import CHROMIUM, barriers, chromium, sign_in, window
from tests.portal.keyring import Keyring

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

FIRST, SECOND, THIRD = "seven quiet walruses", "eight loud walruses", "nine odd walruses"
SEEN = [
    page.path
    for page in PAGES
    if not page.path.startswith(("/.well-known", "/style", "/key.asc", "/digits"))
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


def test_life_of_an_account(office: PostOffice, browser: Any, tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keys")
    keyring.make("Carol <carol@mail.i2p>")
    with window(browser, office.portal_port) as page:
        code = create(page)
        choose_a_delay(page)
        keep_a_key(page, keyring.export())
        find_oneself(page)
        change_password(page)
        with smtplib.SMTP("127.0.0.1", office.smtp_port, "x", timeout=60) as smtp:
            smtp.login("carol", SECOND)
            smtp.sendmail(address("carol"), address("carol"), mail("carol", "carol"))
        assert len(office.fetch("carol", SECOND)) == 1
        recover(page, code)
        assert len(office.fetch("carol", THIRD)) == 1
        sign_in(page, "carol", THIRD)
        delete(page)
        fill_creation(page)
        assert "taken, or was once" in page.locator("#name-problem").inner_text()
    keyring.close()


def fill_creation(page: Page) -> None:
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Create an account").click()
    page.get_by_label("Name").fill("carol")
    page.get_by_label("Password", exact=True).fill(FIRST)
    page.get_by_label("Password once more").fill(FIRST)
    page.get_by_label("Show my address in the address book").check()
    page.get_by_role("button", name="Create the account").click()


def create(page: Page) -> str:
    fill_creation(page)
    code = page.locator(".secret").inner_text().strip()
    page.get_by_role("link", name="I have written it down").click()
    return code


def choose_a_delay(page: Page) -> None:
    page.get_by_role("link", name="When your mail leaves").click()
    page.get_by_label("at 00:00 or 12:00 UTC").check()
    page.get_by_role("button", name="Keep").click()
    assert page.get_by_role("status").inner_text() == "Your choice was kept."
    assert page.get_by_label("at 00:00 or 12:00 UTC").is_checked()


def keep_a_key(page: Page, key: str) -> None:
    page.goto("/key")
    page.get_by_label("A public key, as text").fill(key)
    page.get_by_role("button", name="Keep this key").click()


def find_oneself(page: Page) -> None:
    page.get_by_role("link", name="Address book").first.click()
    page.get_by_label("Part of a name").fill("aro")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="carol@mail.i2p").click()
    assert re.fullmatch("[0-9A-F]{40}", page.locator(".secret").inner_text())


def change_password(page: Page) -> None:
    page.goto("/password")
    page.get_by_label("Password of today").fill(FIRST)
    page.get_by_label("New password", exact=True).fill(SECOND)
    page.get_by_label("New password once more").fill(SECOND)
    page.get_by_role("button", name="Change the password").click()
    assert page.get_by_role("status").inner_text() == "Your password was changed."


def recover(page: Page, code: str) -> None:
    page.goto("/sign-out")
    page.get_by_role("button", name="Sign out everywhere").click()
    page.goto("/sign-in")
    page.get_by_role("link", name="I forgot my password").click()
    page.get_by_label("Name").fill("carol")
    page.get_by_label("Recovery code").fill(code)
    page.get_by_label("New password").fill(THIRD)
    page.get_by_label("The same once more").fill(THIRD)
    page.get_by_role("button", name="Set the password").click()


def delete(page: Page) -> None:
    page.goto("/close")
    page.get_by_label("Write the name of the account").fill("carol")
    page.get_by_label("Your password").last.fill(THIRD)
    page.get_by_role("button", name="Delete my account").click()


def test_key_is_taken_from_a_file(office: PostOffice, browser: Any, tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keys")
    keyring.make("Bob <bob@mail.i2p>")
    file = tmp_path / "bob.asc"
    file.write_text(keyring.export())
    with window(browser, office.portal_port) as page:
        sign_in(page, "bob", PASSWORD)
        page.goto("/key")
        page.get_by_role("button", name="Keep this key").click()
        assert "choose the file" in page.locator("#key-problem").inner_text()
        page.get_by_label("Or the file it is in").set_input_files(file)
        page.get_by_role("button", name="Keep this key").click()
        assert page.get_by_role("status").inner_text() == "Your key was kept."
        page.get_by_label("Or the file it is in").set_input_files(
            {"name": "x.asc", "mimeType": "text/plain", "buffer": b"\0no key"}
        )
        page.get_by_role("button", name="Keep this key").click()
        assert "This key can't be kept" in page.locator("#key-problem").inner_text()
    keyring.close()


def test_everybody_can_use_every_page(office: PostOffice, browser: Any) -> None:
    found: dict[str, list[str]] = {}
    for scheme in ("light", "dark"):
        with window(browser, office.portal_port, scheme=scheme, javascript=True) as page:
            for is_member in (False, True):
                if is_member:
                    sign_in(page, "alice", PASSWORD)
                for path in SEEN:
                    page.goto(path)
                    found[f"{path} {scheme} {is_member}"] = barriers(page)
            page.goto("/rules")  # a form that comes back
            page.get_by_label("Blocked senders").fill("nonsense")
            page.get_by_role("button", name="Keep").click()
            found[f"problems {scheme}"] = barriers(page)
    assert {where: what for where, what in found.items() if what} == {}


def test_the_check_for_barriers_finds_them(browser: Any) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.set_content("<h3>x</h3><input><p style='color:#aaa;background:#fff'>faint</p>")
    kinds = {each.partition(":")[0] for each in barriers(page)}
    assert {"label", "color-contrast", "html-has-lang"} <= kinds
    context.close()


def test_pages_fit_a_phone(office: PostOffice, browser: Any) -> None:
    with window(browser, office.portal_port, width=360, javascript=True) as page:
        sign_in(page, "alice", PASSWORD)
        for path in SEEN:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_nothing_is_asked_of_anybody_else(office: PostOffice, browser: Any) -> None:
    asked: list[str] = []
    with window(browser, office.portal_port, javascript=True) as page:
        page.on("request", lambda request: asked.append(request.url))
        sign_in(page, "alice", PASSWORD)
        for path in SEEN:
            page.goto(path)
    own = f"http://127.0.0.1:{office.portal_port}/"
    assert len(asked) > len(SEEN)
    assert [url for url in asked if not url.startswith(own)] == []
