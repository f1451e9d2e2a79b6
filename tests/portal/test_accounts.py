# SPDX-License-Identifier: Apache-2.0
"""Accounts through the portal of a running post office."""

import re

from tests.office import PostOffice, address, mail
from tests.portal.browser import Browser

WORDS = "seven quiet walruses"
NEW_WORDS = "eight loud walruses"


def create(office: PostOffice, name: str = "carol") -> Browser:
    browser = Browser(office.portal_port)
    answer = browser.submit("/create", name=name, password=WORDS, again=WORDS)
    assert "Your recovery code" in answer.text
    return browser


def test_account_made_here_gets_mail_and_fetches_it(office: PostOffice) -> None:
    create(office)
    office.submit(address("alice"), address("carol"), mail("alice", "carol"))
    assert len(office.fetch("carol", WORDS)) == 1


def test_recovery_code_is_shown_once(office: PostOffice) -> None:
    browser = Browser(office.portal_port)
    answer = browser.submit("/create", name="dave", password=WORDS, again=WORDS)
    (code,) = re.findall(r'<p class="secret">([^<]+)</p>', answer.text)
    assert code not in browser.get("/recovery-code").text


def test_taken_name_is_told_beside_its_field_and_nothing_typed_is_lost(office: PostOffice) -> None:
    browser = Browser(office.portal_port)
    answer = browser.submit("/create", name="alice", password=WORDS, again=WORDS, listed="yes")
    assert answer.status == 422
    assert 'id="name-problem">This name is taken' in answer.text
    assert 'value="alice"' in answer.text
    assert 'value="yes" checked' in answer.text
    assert WORDS not in answer.text


def test_changed_password_ends_other_sessions_and_holds_everywhere(office: PostOffice) -> None:
    first = create(office, "erin")
    second = Browser(office.portal_port)
    assert "Your mailbox" in second.submit("/sign-in", name="erin", password=WORDS).text
    changed = first.submit("/password", old=WORDS, password=NEW_WORDS, again=NEW_WORDS)
    assert "Your password was changed." in changed.text
    assert "Sign in" in second.get("/mailbox").text
    assert office.fetch("erin", NEW_WORDS) == []


def test_form_acts_once(office: PostOffice) -> None:
    browser = create(office, "frank")
    hidden = re.findall(r'name="ticket" value="([^"]+)"', browser.get("/password").text)
    fields = {"ticket": hidden[0], "old": WORDS, "password": NEW_WORDS, "again": NEW_WORDS}
    assert browser.post("/password", fields).status == 200
    again = create(office, "grace")
    ticket = re.findall(r'name="ticket" value="([^"]+)"', again.get("/sign-out").text)[0]
    assert again.post("/password", {**fields, "ticket": ticket}).status == 403
    stranger = Browser(office.portal_port)
    assert stranger.post("/sign-in", {"ticket": ticket}).status == 403
