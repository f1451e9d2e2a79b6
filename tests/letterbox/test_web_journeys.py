# SPDX-License-Identifier: Apache-2.0
"""Mail read and written in a browser without JavaScript, through a real letterbox and office."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.interop.running import Desk
from tests.letterbox.box import Letterbox
from tests.letterbox.pages import arrived, fetch, open_letterbox, open_mail, until_sent
from tests.office import PASSWORD, PostOffice, address, mail
from tests.portal.chromium import chromium, window


@pytest.fixture(scope="module")
def browser(box: Letterbox) -> Iterator[Any]:
    """A browser in the network of the letterbox, where nothing else is."""
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Any, box: Letterbox) -> Iterator[Page]:
    """A window on the letterbox."""
    with window(browser, box.pages_port) as opened:
        yield opened


def test_mail_is_read_answered_and_found_again(
    post: PostOffice, alice: Desk, bob: Desk, page: Page
) -> None:
    text = mail(bob.account, alice.account, "Shall we meet?\r\nBob\r\n")
    post.submit(bob.address, alice.address, text.replace(b"test", b"a question"))
    open_letterbox(page, alice.account)
    fetch(page)
    open_mail(page, "a question")
    assert "Shall we meet?" in page.inner_text("div.letter")
    page.get_by_role("link", name="Reply", exact=True).click()
    assert page.input_value("#to") == bob.address
    assert "> Shall we meet?" in page.input_value("#text")
    page.fill("#text", "Yes.\n" + page.input_value("#text"))
    page.get_by_role("button", name="Send").click()
    until_sent(page, "Re: a question")
    (received,) = arrived(post, bob.account)
    assert b"Subject: Re: a question" in received
    assert b"Yes." in received
    assert b"In-Reply-To: <" in received
    page.goto("/folder/inbox")
    assert "answered" in page.inner_text(".mails")
    page.goto("/folder/sent")
    open_mail(page, "Re: a question")
    assert "Yes." in page.inner_text("div.letter")
    page.goto("/book")
    assert bob.address in page.inner_text("main")


def test_files_go_along_through_drafts_and_forwards(
    post: PostOffice, alice: Desk, bob: Desk, page: Page, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.txt", tmp_path / "zweite Datei ü.bin"
    first.write_bytes(b"one\r\n")
    second.write_bytes(bytes(range(256)) * 4)
    open_letterbox(page, alice.account)
    page.goto("/write")
    page.fill("#to", f"{bob.account}; half an addre")
    page.fill("#subject", "two files")
    page.fill("#text", "Here they are.")
    page.set_input_files("#files", [first])
    page.get_by_role("button", name="Send").click()
    # What can't be sent yet is kept with its files.
    assert "kept as a draft" in page.inner_text(".notice")
    assert page.input_value("#to") == f"{bob.account}; half an addre"
    page.fill("#to", bob.account)
    page.set_input_files("#files", [second])
    page.get_by_role("button", name="Keep as a draft").click()
    assert page.get_by_label("first.txt").is_checked()
    page.get_by_role("button", name="Send").click()
    until_sent(page, "two files")
    page.goto("/folder/drafts")
    assert "Nothing lies here" in page.inner_text("main")
    (received,) = arrived(post, bob.account)
    assert b"first.txt" in received
    assert b"Here they are." in received
    page.goto("/folder/sent")
    open_mail(page, "two files")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="zweite Datei").click()
    assert waiting.value.suggested_filename == "zweite Datei ü.bin"
    assert Path(waiting.value.path()).read_bytes() == second.read_bytes()
    page.get_by_role("link", name="Forward").click()
    page.fill("#to", bob.address)
    page.get_by_label("zweite Datei").uncheck()
    page.get_by_role("button", name="Send").click()
    until_sent(page, "Fwd: two files")
    forwarded = next(each for each in arrived(post, bob.account, 2) if b"Subject: Fwd:" in each)
    assert b"first.txt" in forwarded
    assert b"zweite" not in forwarded


def test_files_that_are_too_large_get_an_answer(alice: Desk, page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(28_000_000)
    open_letterbox(page, alice.account)
    page.goto("/write")
    page.set_input_files("#files", [large])
    page.get_by_role("button", name="Send").click()
    assert "It was too large" in page.inner_text("main")


def test_lists_are_sorted_searched_and_turned(
    post: PostOffice, alice: Desk, bob: Desk, page: Page
) -> None:
    for number in range(53):
        message = mail(bob.account, alice.account, f"word{number:02} in the text\r\n")
        post.submit(bob.address, alice.address, message.replace(b"test", b"mail %02d" % number))
    open_letterbox(page, alice.account)
    fetch(page)
    assert "Page 1 of 2, 53 mails" in page.inner_text("main")
    page.get_by_label("Order").select_option("subject")
    page.get_by_role("button", name="Show").click()
    assert page.locator(".mails .subject a").first.inner_text() == "mail 00"
    page.get_by_role("link", name="Next").click()
    assert page.locator(".mails tbody tr").count() == 3
    assert page.locator(".mails .subject a").last.inner_text() == "mail 52"
    page.get_by_label("Search").fill("WORD17 text")
    page.get_by_role("button", name="Show").click()
    assert page.locator(".mails .subject a").all_inner_texts() == ["mail 17"]
    page.locator(".mails input").first.check()
    page.get_by_role("button", name="To the trash").click()
    assert "No mail has all these words" in page.inner_text("main")
    page.goto("/folder/trash")
    page.locator(".mails input").first.check()
    page.get_by_role("button", name="Delete for good").click()
    assert "Nothing lies here" in page.inner_text("main")


def test_signing_out_and_locking_forgets_everything(alice: Desk, page: Page) -> None:
    open_letterbox(page, alice.account)
    page.goto("/sign-out")
    page.get_by_role("button", name="Sign out and lock").click()
    assert page.url.endswith("/sign-in")
    page.goto("/folder/inbox")
    assert page.url.endswith("/sign-in")
    open_letterbox(page, alice.account, "another password")
    assert "Name or password is wrong" in page.inner_text(".problems")
    open_letterbox(page, alice.account, PASSWORD)
    assert page.url.endswith("/folder/inbox")
    assert address(alice.account) in page.inner_text("footer")


def test_two_users_write_encrypted_mail_to_each_other(
    alice: Desk, bob: Desk, box: Letterbox, browser: Any
) -> None:
    with window(browser, box.pages_port) as hers, window(browser, box.pages_port) as his:
        open_letterbox(hers, alice.account)
        open_letterbox(his, bob.account)
        keys = {page: make_key(page) for page in (hers, his)}
        for page, other in ((hers, his), (his, hers)):
            page.goto("/keys")
            page.get_by_label("The key as text").fill(keys[other])
            page.get_by_role("button", name="Take in as somebody else's").click()
        hers.goto(f"/write?to={bob.address}")
        hers.fill("#subject", "only for you")
        hers.fill("#text", "The key lies under the stone.")
        hers.get_by_label("Encrypt and sign").check()
        hers.get_by_role("button", name="Send").click()
        until_sent(hers, "only for you")
        fetch(his)
        open_mail(his, "only for you")
        text = his.inner_text("main")
        assert "The key lies under the stone." in text
        assert "It came encrypted to you." in text
        assert "Signed by its author" in text
        his.get_by_role("link", name="Reply", exact=True).click()
        assert his.get_by_label("Encrypt and sign").is_checked()


def make_key(page: Page) -> str:
    """Make a key and return its public half."""
    page.goto("/keys")
    page.get_by_role("button", name="Make a new key").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the public half").click()
    return Path(waiting.value.path()).read_text("ascii")
