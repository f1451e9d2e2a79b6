# SPDX-License-Identifier: Apache-2.0
"""Mail that tries to make the reader's browser ask for something, run something or break."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.letterbox.inside import Inside, inside
from tests.letterbox.pages import open_letterbox
from tests.letterbox.spy import Spy, hostile_html, hostile_mail, spying
from tests.portal.chromium import chromium, window

# More than the refresh in the HTML waits for.
SETTLE_MILLISECONDS = 1_500


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path) as running:
        yield running


@pytest.fixture
def spy() -> Iterator[Spy]:
    with spying() as running:
        yield running


def read(page: Page, pages: Inside, number: int, way: str = "") -> None:
    open_letterbox(page, "alice")
    page.goto(f"/mail/{number}{way}")


def test_browser_asks_for_much_where_nothing_protects_it(browser: Any, spy: Spy) -> None:
    spy.pages["/raw"] = hostile_html(spy).encode()
    with window(browser, spy.port, javascript=True) as page:
        page.goto("/raw", wait_until="commit")
        page.wait_for_timeout(SETTLE_MILLISECONDS)
        for _ in range(40):  # a busy machine is late with what is asked for last
            if "/refresh" not in spy.asked:
                page.wait_for_timeout(250)
    assert {"/sheet", "/img", "/script", "/inline", "/css", "/iframe", "/refresh"} <= {*spy.asked}
    assert len({*spy.asked}) > 25


@pytest.mark.parametrize("javascript", [False, True])
def test_hostile_mail_makes_no_request_at_all(
    browser: Any, pages: Inside, spy: Spy, javascript: bool
) -> None:
    number = pages.put(hostile_mail(spy))
    with window(browser, pages.port, javascript=javascript) as page:
        page.on("request", lambda request: asked.append(request.url))
        asked: list[str] = []
        read(page, pages, number)
        assert "the end" in page.inner_text("div.letter")
        page.goto(f"/mail/{number}/html")
        frame = page.frame_locator("iframe")
        assert "the end" in frame.locator("body").inner_text()
        page.wait_for_timeout(SETTLE_MILLISECONDS)
        assert "the end" in frame.locator("body").inner_text()
        page.goto(f"/mail/{number}/frame")  # the frame's page alone, as a curious user opens it
        page.wait_for_timeout(SETTLE_MILLISECONDS)
        page.goto(f"/write?reply={number}")
        page.goto(f"/write?forward={number}")
    assert spy.asked == []
    assert {each.split("/")[2] for each in asked if not each.startswith("data:")} == {
        f"127.0.0.1:{pages.port}"
    }


def test_links_lead_to_their_whole_addresses_first(browser: Any, pages: Inside, spy: Spy) -> None:
    number = pages.put(hostile_mail(spy))
    with window(browser, pages.port) as page:
        read(page, pages, number, "/html")
        page.frame_locator("iframe").get_by_text("a link").click()
        page.wait_for_timeout(300)
        assert page.url.endswith(f"/mail/{number}/html#link-1")
        assert spy.asked == []
        shown = page.locator("#link-1")
        assert spy.address("followed") in shown.inner_text()
        assert page.locator("a[href^='javascript']").count() == 0
        # Only the link in the list leads away, and tells nobody where it stood.
        with page.context.expect_page() as opened:
            shown.get_by_role("link").click()
        opened.value.wait_for_load_state()
        assert spy.asked[0] == "/followed"
        page.goto("/folder/inbox")
        assert page.url.endswith("/folder/inbox")  # still signed in


def test_frame_may_do_nothing_and_be_framed_by_nobody_else(pages: Inside, spy: Spy) -> None:
    from tests.portal.browser import Browser

    number = pages.put(hostile_mail(spy))
    browser = Browser(pages.port)
    browser.submit("/sign-in", name="alice", password="correct horse 1")
    answer = browser.get(f"/mail/{number}/frame")
    policy = {each.strip() for each in answer.headers["content-security-policy"].split(";")}
    assert {
        "default-src 'none'",
        "img-src data:",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
        "sandbox allow-top-navigation-by-user-activation",
    } < policy
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert str(spy.port) not in answer.text
    assert "<img" not in answer.text  # the only picture is a drawing


def test_pictures_that_came_along_are_shown(browser: Any, pages: Inside) -> None:
    png = (
        b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
        b"rkJggg=="
    )
    number = pages.put(
        b"From: b@mail.i2p\r\nSubject: p\r\nContent-Type: multipart/related; boundary=e\r\n\r\n"
        b'--e\r\nContent-Type: text/html\r\n\r\n<p>x<img alt="a dot" src="cid:a%20dot">\r\n'
        b"--e\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-ID: <a dot>\r\n\r\n" + png + b"\r\n--e--\r\n"
    )
    with window(browser, pages.port, javascript=True) as page:
        read(page, pages, number)
        page.goto(f"/mail/{number}/frame")
        assert page.get_by_alt_text("a dot").count() == 1
        assert page.get_by_alt_text("a dot").bounding_box() is not None


HOSTILE = {
    "nothing": b"",
    "no header": b"\r\nbody\r\n",
    "noise": bytes(range(256)) * 40,
    "deep": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(200)
    ),
    "messages in messages": b"Content-Type: message/rfc822\r\n\r\n" * 100,
    "huge header": b"Subject: " + b"x " * 200_000 + b"\r\n\r\n",
    "many fields": b"X: y\r\n" * 5_000 + b"\r\n",
    "many people": b"To: "
    + b"a@b.i2p, " * 20_000
    + b"\r\nFrom: "
    + b"x@y.i2p," * 9_000
    + b"\r\n\r\n",
    "broken charsets": (
        b"From: =?x-unknown?b?////?= <a@b.i2p>\r\nSubject: =?utf-8?q?=ff=fe?= =?utf-16?b?2AA=?=\r\n"
        b"Content-Type: text/plain; charset=utf-7\r\n\r\n+2AA-\xff\xfe +ADw-script+AD4-"
    ),
    "utf-16 that ends early": b"Content-Type: text/html; charset=utf-16\r\n\r\n\xff\xfe<\x00p",
    "broken base64": b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n=A=B==",
    "bidi": "Subject: \u202egpj.exe\r\nFrom: \u202e <a@b.i2p>\r\n\r\n\u202e\u2066x".encode(),
    "many tags": b"Content-Type: text/html\r\n\r\n" + b"<div>" * 100_000,
    "many links": b"Content-Type: text/html\r\n\r\n" + b'<a href="http://a.i2p/">x</a>' * 20_000,
    "empty encrypted": (
        b"Content-Type: multipart/encrypted; boundary=e\r\n\r\n--e\r\n\r\n--e\r\n\r\n--e--\r\n"
    ),
    "empty signed": (
        b"Content-Type: multipart/signed; protocol=pgp; boundary=e\r\n\r\n--e\r\n\r\nx\r\n"
        b"--e\r\n\r\nno signature\r\n--e--\r\n"
    ),
    "pretended armor": (
        b"\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nAAAA\r\n-----END PGP MESSAGE-----\r\n"
    ),
    "broken draft": b"X-Letterbox-Draft: AAAA====\r\n\r\nx\r\n",
    "names": (
        b"Content-Type: multipart/mixed; boundary=e\r\n\r\n--e\r\nContent-Disposition: attachment;"
        b' filename="../../etc/passwd\\".html"\r\n\r\n<script>\r\n--e--\r\n'
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_whatever_comes_gets_a_page(pages: Inside, kind: str) -> None:
    from tests.portal.browser import Browser

    number = pages.put(HOSTILE[kind])
    browser = Browser(pages.port)
    browser.submit("/sign-in", name="alice", password="correct horse 1")
    for path in (
        f"/mail/{number}",
        f"/mail/{number}/html",
        f"/mail/{number}/frame",
        f"/mail/{number}/source",
        f"/write?reply={number}",
        f"/write?reply={number}&all=1",
        f"/write?forward={number}",
        f"/write?draft={number}",
        "/folder/inbox",
    ):
        answer = browser.get(path)
        assert answer.status == 200, path
        assert "<script" not in answer.text if "source" not in path else True, path
        assert len(answer.octets) < 2_000_000, path
    file = browser.get(f"/mail/{number}/file/1")
    if file.status == 200:
        assert file.headers["content-type"] == "application/octet-stream"
        assert file.headers["content-disposition"].startswith("attachment; filename=")
        assert file.headers["x-content-type-options"] == "nosniff"
