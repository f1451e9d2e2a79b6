# SPDX-License-Identifier: Apache-2.0
"""Recovery codes and keys through the portal."""

import re

from tests.office import PASSWORD, PostOffice, address, mail
from tests.portal.browser import Browser
from tests.portal.test_choices import signed_in

NEW = "eight loud walruses"


def new_code(browser: Browser, what: str) -> str:
    answer = browser.submit("/keys", old=PASSWORD, what=what)
    (code,) = re.findall(r'<p class="secret">([^<]+)</p>', answer.text)
    return str(code)


def test_code_lets_its_owner_back_to_the_mail(office: PostOffice) -> None:
    code = new_code(signed_in(office), "code")
    office.submit(address("bob"), address("alice"), mail("bob", "alice"))
    browser = Browser(office.portal_port)
    answer = browser.submit("/recover", name="alice", code=code, password=NEW, again=NEW)
    assert "Sign in" in answer.text
    assert len(office.fetch("alice", NEW)) == 1


def test_unknown_name_and_wrong_code_are_told_alike(office: PostOffice) -> None:
    code = new_code(signed_in(office), "code")
    browser = Browser(office.portal_port)
    answers = [
        browser.submit("/recover", name=name, code=code, password=NEW, again=NEW).text
        for name in ("bob", "nobody")
    ]
    found = [re.findall('class="problem"[^<]*<', answer) for answer in answers]
    assert found[0] == found[1] != []


def test_new_keys_open_old_and_new_mail(office: PostOffice) -> None:
    office.submit(address("bob"), address("alice"), mail("bob", "alice"))
    new_code(signed_in(office), "keys")
    office.submit(address("bob"), address("alice"), mail("bob", "alice"))
    assert len(office.fetch("alice")) == 2


def test_wrong_password_makes_no_new_code(office: PostOffice) -> None:
    assert signed_in(office).submit("/keys", old="wrong", what="keys").status == 422
