# SPDX-License-Identifier: Apache-2.0
"""Two members side by side: no page shows one what is the other's, and no text becomes a page."""

import html
import re
import time

from eepost.services.portal.site import PAGES
from tests.office import PASSWORD, PostOffice
from tests.portal.browser import Browser
from tests.portal.test_choices import signed_in

MARKED = "zz-marked"


def walk(browser: Browser) -> dict[str, str]:
    """Return what every page shows."""
    shown = {}
    for page in PAGES:
        path = page.path.replace("*", "x")
        answer = browser.get(path)
        if answer.headers["content-type"].startswith("text/html"):
            shown[page.path] = answer.text
    return shown


def test_no_page_shows_what_is_anothers(office: PostOffice) -> None:
    alice, bob = signed_in(office), signed_in(office, "bob")
    alice.submit("/rules", internet_mail="none", blocked=f"{MARKED}@x.example")
    alice.submit("/outgoing", delay="batch")
    assert MARKED in "".join(walk(alice).values())  # or nothing could be found below
    for path, text in walk(bob).items():
        assert MARKED not in text, path
        assert "alice" not in text, path
    assert 'value="defer" checked' in bob.get("/outgoing").text


def test_a_members_ticket_does_nothing_for_another(office: PostOffice) -> None:
    alice, bob = signed_in(office), signed_in(office, "bob")
    for page in PAGES:
        if page.act is None:
            continue
        found = re.findall(r'name="ticket" value="([^"]+)"', alice.get(page.path).text)
        if found:
            assert bob.post(page.path, {"ticket": found[0]}).status == 403, page.path


def test_what_is_typed_never_becomes_markup(office: PostOffice) -> None:
    browser = signed_in(office)
    attack = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}{% raw %}"
    for page in PAGES:
        if page.act is None or page.path in {"/close", "/empty", "/sign-out"}:
            continue
        names = re.findall(
            r'(?:input|textarea|select)[^>]* name="([^"]+)"', browser.get(page.path).text
        )
        fields = {name: attack for name in names if name != "ticket"}
        text = browser.submit(page.path, **fields).text
        assert "<script" not in text, page.path
        assert "<img src=x" not in text, page.path
        assert "49" not in re.findall(r"\{\{.*?\}\}|>49<", text), page.path
    answer = browser.get("/book?q=" + "%22%3E%3Cscript%3E")
    assert html.escape('"><script>') in answer.text.replace("&#34;", "&quot;")
    assert "<script" not in answer.text


def test_unknown_and_known_names_are_answered_alike(office: PostOffice) -> None:
    answers = []
    for name in ("alice", "nobody-here"):
        answer = Browser(office.portal_port).submit("/sign-in", name=name, password="wrong one")
        answers.append((answer.status, re.sub(r'value="[^"]*"', "", answer.text)))
    assert answers[0] == answers[1]
    assert (
        Browser(office.portal_port).submit("/sign-in", name="alice", password=PASSWORD).status
        == 200
    )


def test_guesses_here_are_slowed_for_mail_programs_too(office: PostOffice) -> None:
    browser = Browser(office.portal_port)
    for _ in range(5):
        assert browser.submit("/sign-in", name="bob", password="a guess").status == 422

    begun = time.monotonic()
    office.fetch("bob")
    assert time.monotonic() - begun > 0.4  # the first login waits as after guesses at POP3
