# SPDX-License-Identifier: Apache-2.0
"""What holds for each page there is or will be: the list comes from the site itself."""

import re

import pytest

from eepost.services.portal.site import PAGES
from tests.office import PostOffice
from tests.portal.browser import Browser
from tests.portal.test_choices import signed_in

PATHS = [page.path for page in PAGES]
FORMS = [page.path for page in PAGES if page.act is not None]
MAX_PAGE_OCTETS = 30_000
# They show what a name, a hash or a form before stands for; without one there is nothing.
ASKED_BY_NAME = {"/entry", "/key.asc", "/digits.png", "/digits.wav"} | {
    path for path in PATHS if path.endswith("hu/*")
}


def test_every_page_is_small_safe_and_the_same_for_every_browser(office: PostOffice) -> None:
    browser = signed_in(office)
    style = len(browser.get("/style.css").text)
    for path in PATHS:
        answer = browser.get(path.replace("*", "x"))
        assert answer.status == (404 if path in ASKED_BY_NAME else 200), path
        assert len(answer.text) + style < MAX_PAGE_OCTETS, path
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'"), path
        assert "unsafe" not in policy, path
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["referrer-policy"] == "no-referrer", path
        assert answer.headers["cache-control"] == "no-store", path
        assert "server" not in answer.headers, path
        assert "date" not in answer.headers, path
        assert "<script" not in answer.text, path
        # Nothing is ever loaded or linked from elsewhere.
        assert re.findall(r'(?:src|href|action)="(?!/)(?!#main)[^"]*"', answer.text) == [], path


@pytest.mark.parametrize("path", FORMS)
def test_no_form_is_acted_on_without_its_own_ticket(office: PostOffice, path: str) -> None:
    browser = signed_in(office)
    stranger = Browser(office.portal_port)
    foreign = re.findall(r'name="ticket" value="([^"]+)"', stranger.get("/sign-in").text)[0]
    for ticket in ("", "x" * 46, "ü" * 46, foreign):
        answer = browser.post(path, {"ticket": ticket})
        assert answer.status == 403, (path, ticket)
    assert browser.post(path, {}).status == 403


def test_pages_for_members_are_shown_to_nobody_else(office: PostOffice) -> None:
    browser = Browser(office.portal_port)
    for page in PAGES:
        answer = browser.request("GET", page.path.replace("*", "x"))
        if page.is_for_members:
            assert (answer.status, answer.headers["location"]) == (303, "/sign-in"), page.path
        else:
            assert answer.status == (404 if page.path in ASKED_BY_NAME else 200), page.path


def test_cookie_is_for_this_site_and_no_script(office: PostOffice) -> None:
    answer = Browser(office.portal_port).request("GET", "/sign-in")
    flags = {each.strip().lower() for each in answer.headers["set-cookie"].split(";")[1:]}
    assert flags == {"httponly", "path=/", "samesite=strict"}


def test_signing_in_changes_the_browsers_number(office: PostOffice) -> None:
    browser = Browser(office.portal_port)
    browser.get("/sign-in")
    before = browser.cookies["visit"]
    browser.submit("/sign-in", name="alice", password="correct horse 1")
    assert browser.cookies["visit"] != before


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"ticket=1&ticket=2"),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=b" % n for n in range(50))),
        ("application/x-www-form-urlencoded", b"x" * 140_000),
        ("application/x-www-form-urlencoded", b"name=%00"),
        ("application/x-www-form-urlencoded", b"name=%ff"),
        ("application/x-www-form-urlencoded", "name=ü".encode()),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("application/json", b"{}"),
        ("", b"name=x"),
    ],
)
def test_malformed_forms_get_a_clear_page(office: PostOffice, kind: str, body: bytes) -> None:
    answer = Browser(office.portal_port).request("POST", "/sign-in", body, {"Content-Type": kind})
    assert answer.status == 400
    assert "could not be read" in answer.text


@pytest.mark.parametrize("path", FORMS)
def test_whatever_is_typed_gets_a_clear_answer(office: PostOffice, path: str) -> None:
    browser = signed_in(office)
    shown = browser.get(path).text
    names = {*re.findall(r'(?:input|textarea|button)[^>]* name="([^"]+)"', shown)} - {"ticket"}
    for text in ("", "x" * 60_000, "\u202e\uffff\U0001f4a9", "-1", "true\r\nX: y"):
        ticket = re.findall(r'name="ticket" value="([^"]+)"', browser.get(path).text)
        if not ticket:  # an answer before signed us out
            browser = signed_in(office)
            ticket = re.findall(r'name="ticket" value="([^"]+)"', browser.get(path).text)
        fields = dict.fromkeys(names, text)
        answer = browser.post(path, {**fields, "ticket": ticket[0]})
        assert answer.status in {200, 400, 422}, (path, text[:20])
    missing = re.findall(r'name="ticket" value="([^"]+)"', browser.get(path).text)
    if missing:
        assert browser.post(path, {"ticket": missing[0]}).status in {200, 422}
    office.stop()
    assert "fault" not in {line["event"] for line in office.lines}


def test_forms_of_other_sites_are_refused(office: PostOffice) -> None:
    browser = Browser(office.portal_port)
    ticket = re.findall(r'name="ticket" value="([^"]+)"', browser.get("/sign-in").text)[0]
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for header in ({"Origin": "http://evil.i2p"}, {"Sec-Fetch-Site": "cross-site"}):
        body = f"ticket={ticket}".encode()
        assert browser.request("POST", "/sign-in", body, {**kind, **header}).status == 403


def test_other_paths_and_methods_are_no_pages(office: PostOffice) -> None:
    browser = Browser(office.portal_port)
    assert browser.request("GET", "/../etc/passwd").status == 404
    assert browser.request("GET", "/static/").status == 404
    assert browser.request("PUT", "/sign-in").status == 405
    assert browser.request("POST", "/").status in {400, 405}
    assert browser.request("HEAD", "/sign-in").status == 200


def test_journal_holds_nothing_that_was_typed(office: PostOffice) -> None:
    browser = signed_in(office)
    browser.submit("/rules", internet_mail="planted", blocked="planted@planted.example")
    browser.get("/planted?planted=1")
    office.stop()
    journal = repr(office.lines)
    assert "serving" in journal
    assert "planted" not in journal
    assert "alice" not in journal
