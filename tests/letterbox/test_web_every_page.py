# SPDX-License-Identifier: Apache-2.0
"""What holds for each page of the letterbox there is or will be: the list comes from the site."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eepost.services.letterbox.webmail.site import PAGES
from tests.letterbox.fakes import PASSWORD
from tests.letterbox.inside import Inside, inside
from tests.letterbox.pages import open_letterbox
from tests.office import mail
from tests.portal.browser import Answer, Browser
from tests.portal.chromium import barriers, chromium, window

MAX_PAGE_OCTETS = 40_000
PATHS = [page.path for page in PAGES]
FORMS = [page for page in PAGES if page.act is not None]
# Files, and what stands in a frame where no script may run, the test's own neither.
NO_PAGES = (".asc", ".css", "/source", "/file/1", "/frame")
MAIL = (
    b"From: Bob <bob@mail.i2p>\r\nTo: alice@mail.i2p\r\nSubject: planted\r\nContent-Type:"
    b" multipart/mixed; boundary=e\r\n\r\n--e\r\nContent-Type: text/html\r\n\r\n<p>Look at"
    b' <a href="http://x.i2p/">this</a>\r\n--e\r\nContent-Disposition: attachment;'
    b" filename=a.txt\r\n\r\nx\r\n--e--\r\n"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path, "me", "work") as running:
        running.put(MAIL)
        yield running


def signed_in(pages: Inside, identity: str = "me") -> Browser:
    browser = Browser(pages.port)
    browser.submit("/sign-in", identity=identity, name="alice", password=PASSWORD)
    return browser


def filled(path: str) -> str:
    if path.startswith("/folder"):
        return "/folder/inbox"
    return path.replace("*", "1")


def test_every_page_is_small_safe_and_loads_nothing(pages: Inside) -> None:
    browser = signed_in(pages)
    for path in map(filled, PATHS):
        answer = browser.get(path)
        assert answer.status == (404 if path == "/keys/public.asc" else 200), path
        assert len(answer.octets) < MAX_PAGE_OCTETS, path
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'"), path
        assert "unsafe" not in policy, path
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["referrer-policy"] == "no-referrer", path
        assert answer.headers["cache-control"] == "no-store", path
        assert answer.headers["cross-origin-resource-policy"] == "same-origin", path
        if not path.endswith(("/source", "/file/1")):
            assert "<script" not in answer.text, path
            outside = re.findall(r'(?:src|href|action)="(?!/|#)[^"]*"', answer.text)
            assert set(outside) <= {'href="http://x.i2p/"'}, path


def test_pages_are_shown_to_nobody_else(pages: Inside) -> None:
    browser = Browser(pages.port)
    for page in PAGES:
        answer = browser.request("GET", filled(page.path))
        if page.is_for_members:
            assert (answer.status, answer.headers["location"]) == (303, "/sign-in"), page.path
            assert b"planted" not in answer.octets


def test_no_form_is_acted_on_without_its_own_ticket(pages: Inside) -> None:
    browser = signed_in(pages)
    text = browser.get("/fetch").text
    foreign = re.findall(r'name="ticket" value="([^"]+)"', text)[0]
    for page in FORMS:
        path = filled(page.path)
        for ticket in ("", "x" * 46, foreign if path != "/fetch" else ""):
            answer = browser.post(path, {"ticket": ticket, "what": "erase", "pick-1": "yes"})
            assert answer.status == 403, path
    assert "planted" in browser.get("/folder/inbox").text


def test_pages_of_other_sites_can_make_it_do_nothing(pages: Inside) -> None:
    browser = signed_in(pages)
    ticket = re.findall(r'name="ticket" value="([^"]+)"', browser.get("/sign-out").text)[0]
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for header in (
        {"Origin": "http://evil.i2p"},
        {"Origin": "http://127.0.0.1:7657"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        body = f"ticket={ticket}&which=lock".encode()
        assert browser.request("POST", "/sign-out", body, {**kind, **header}).status == 403


@pytest.mark.parametrize("host", ["evil.i2p", "127.0.0.1", "127.0.0.1:1", "evil.i2p:{port}", ""])
def test_names_that_were_pointed_here_get_nothing(pages: Inside, host: str) -> None:
    browser = signed_in(pages)
    for path in ("/folder/inbox", "/mail/1", "/sign-in"):
        answer = browser.request("GET", path, headers={"Host": host.format(port=pages.port)})
        assert answer.status in {400, 421}, path
        assert b"planted" not in answer.octets
        assert b"ticket" not in answer.octets
        assert b"alice" not in answer.octets


def test_it_answers_under_its_own_names(pages: Inside) -> None:
    browser = signed_in(pages)
    for host in ("127.0.0.1", "localhost", "[::1]"):
        answer = browser.request("GET", "/mail/1", headers={"Host": f"{host}:{pages.port}"})
        assert "planted" in answer.text


def test_two_identities_never_mix(pages: Inside) -> None:
    pages.put(MAIL.replace(b"planted", b"of work"), identity="work")
    pages.put(MAIL.replace(b"planted", b"also of work"), identity="work")
    mine, work = signed_in(pages), signed_in(pages, "work")
    assert "planted" in mine.get("/mail/1").text
    assert "of work" in work.get("/mail/1").text
    assert mine.get("/mail/2").status == 404
    for path in map(filled, PATHS):
        assert "of work" not in mine.get(path).text, path
        assert "planted" not in work.get(path).text, path
    assert "(work)" in work.get("/folder/inbox").text
    # Neither does what is kept beside the letters.
    work.submit("/book", person="Carol <carol@mail.i2p>")
    assert "carol" in work.get("/book").text
    assert "carol" not in mine.get("/book").text
    work.post("/keys", {"ticket": _ticket(work.get("/keys")), "what": "make"})
    assert "alice@mail.i2p" in work.get("/keys").text.partition("<footer>")[0]
    assert "You have none yet" in mine.get("/keys").text
    # One browser is signed in once: opening the other identity closes the first.
    mine.submit("/sign-in", identity="work", name="alice", password=PASSWORD)
    assert "also of work" in mine.get("/mail/2").text
    assert "planted" not in mine.get("/folder/inbox").text


def _ticket(answer: Answer) -> str:
    found: str = re.findall(r'name="ticket" value="([^"]+)"', answer.text)[0]
    return found


def test_a_number_from_before_the_lock_opens_nothing(pages: Inside) -> None:
    browser, other = signed_in(pages), signed_in(pages)
    browser.submit("/sign-out", which="lock")
    assert "planted" not in browser.get("/folder/inbox").text
    assert "planted" not in other.get("/folder/inbox").text
    assert "planted" in signed_in(pages).get("/folder/inbox").text


def test_a_new_password_at_the_service_is_asked_for_once(pages: Inside) -> None:
    browser = signed_in(pages)
    browser.submit("/sign-out", which="lock")
    pages.services["me"].passwords["alice"] = "a new one 22"
    answer = browser.submit("/sign-in", identity="me", name="alice", password="a new one 22")
    assert "A new password" in answer.text
    fields = {"identity": "me", "name": "alice", "old": PASSWORD, "password": "a new one 22"}
    assert "planted" in browser.submit("/new-password", **fields).text


def test_a_service_that_is_away_is_said_to_be(pages: Inside) -> None:
    pages.services["work"].is_away = True
    answer = Browser(pages.port).submit(
        "/sign-in", identity="work", name="alice", password=PASSWORD
    )
    assert "can&#39;t be reached now" in answer.text
    browser = signed_in(pages)
    pages.services["me"].is_away = True
    browser.submit("/fetch")
    assert "planted" in browser.get("/folder/inbox").text


def test_whatever_is_typed_gets_a_clear_answer(pages: Inside) -> None:
    for page in FORMS:
        path = filled(page.path)
        for text in ("", "x" * 60_000, "\u202e\uffff\U0001f4a9", "-1", "true\r\nX: y"):
            browser = signed_in(pages) if page.is_for_members else Browser(pages.port)
            shown = browser.get(path)
            if 'name="ticket"' not in shown.text:
                continue  # nothing to be exported yet; an answer before moved the mail
            names = {
                *re.findall(r'(?:input|textarea|button|select)[^>]* name="([^"]+)"', shown.text)
            }
            fields = dict.fromkeys(names - {"ticket"}, text)
            answer = browser.post(path, {**fields, "ticket": _ticket_for(shown, path)})
            assert answer.status in {200, 400, 422}, (path, text[:20])
            assert "Something failed here" not in answer.text, (path, text[:20])


def test_what_is_typed_is_shown_as_text(pages: Inside) -> None:
    browser = signed_in(pages)
    answer = browser.get("/write?to=<b>100%25</b>")
    fields = {"ticket": _ticket(answer), "to": "<b>100%</b>", "what": "send", "text": "%s %(x)s"}
    answer = browser.post("/write", fields)
    assert answer.status == 422
    assert "This is no address: &lt;b&gt;100%&lt;/b&gt;" in answer.text
    assert "<b>" not in answer.text


def _ticket_for(answer: Answer, path: str) -> str:
    # The inbox has two forms; the first fetches.
    found: list[str] = re.findall(r'name="ticket" value="([^"]+)"', answer.text)
    return found[-1]


def test_no_page_has_a_barrier(pages: Inside, browser: Any) -> None:
    with window(browser, pages.port, javascript=True) as page:
        shown = [filled(each.path) for each in PAGES if not each.is_for_members]
        found = _barriers(page, shown)
        _open_with_key(page)
        shown = [filled(each.path) for each in PAGES if each.is_for_members]
        found += _barriers(page, [*shown, "/write?forward=1"])
    assert found == []


def test_dark_pages_have_no_barrier_either(pages: Inside, browser: Any) -> None:
    with window(browser, pages.port, scheme="dark", javascript=True) as page:
        _open_with_key(page)
        # Where every colour is.
        assert _barriers(page, ["/folder/inbox", "/mail/1", "/write", "/keys"]) == []


def _open_with_key(page: Any) -> None:
    open_letterbox(page, "alice", PASSWORD, "me")
    page.goto("/keys")
    page.get_by_role("button", name="Make a new key").click()


def _barriers(page: Any, paths: list[str]) -> list[str]:
    found = []
    for path in paths:
        if not path.endswith(NO_PAGES):
            page.goto(path)
            found += [f"{path} {each}" for each in barriers(page)]
    return found


def test_pages_fit_a_telephone(pages: Inside, browser: Any) -> None:
    pages.put(mail("bob", "alice").replace(b"test", b"x" * 200))
    with window(browser, pages.port, width=360) as page:
        open_letterbox(page, "alice", PASSWORD, "me")
        for path in ("/folder/inbox", "/mail/1", "/mail/1/html", "/mail/2", "/write", "/keys"):
            page.goto(path)
            wide = page.locator("body").evaluate("body => body.scrollWidth")
            assert wide <= 360, path
