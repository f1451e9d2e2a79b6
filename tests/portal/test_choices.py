# SPDX-License-Identifier: Apache-2.0
"""What a member chooses is what the post office does from then on."""

from dataclasses import fields

from eepost.accounts.preferences import Delay, InternetMail, Preferences
from eepost.sanitise.choices import Choices, Dangerous, Html, OnFailure
from tests.office import PASSWORD, PostOffice, address, mail
from tests.portal.browser import Browser


def signed_in(office: PostOffice, name: str = "alice", password: str = PASSWORD) -> Browser:
    browser = Browser(office.portal_port)
    assert "Your mailbox" in browser.submit("/sign-in", name=name, password=password).text
    return browser


def preferences(office: PostOffice, name: str = "alice") -> Preferences:
    with office.registry() as registry:
        return registry.find(name).preferences


def test_delay_is_kept(office: PostOffice) -> None:
    browser = signed_in(office)
    assert "was kept" in browser.submit("/outgoing", delay="batch", local="yes").text
    found = preferences(office)
    assert (found.delay, found.delays_local_copies) == (Delay.BATCH, True)
    assert browser.submit("/outgoing", delay="never").status == 422
    assert preferences(office) == found


def test_warnings_can_be_switched_off(office: PostOffice) -> None:
    browser = signed_in(office)
    assert preferences(office).is_warned
    assert "was kept" in browser.submit("/notices").text
    assert not preferences(office).is_warned
    browser.submit("/notices", filling="yes")
    assert preferences(office).is_warned


def test_rules_are_kept_and_wrong_ones_come_back_as_typed(office: PostOffice) -> None:
    browser = signed_in(office)
    given = {"internet_mail": "from people written to", "blocked": "Spam@x.example\n@y.example"}
    assert "were kept" in browser.submit("/rules", **given).text
    found = preferences(office)
    assert found.internet_mail is InternetMail.FROM_CORRESPONDENTS
    assert found.blocked == ("spam@x.example", "@y.example")
    wrong = browser.submit("/rules", internet_mail="none", blocked="<b>not an address</b>")
    assert wrong.status == 422
    assert "&lt;b&gt;not an address&lt;/b&gt;" in wrong.text
    many = "\n".join(f"{number}@x.example" for number in range(201))
    assert browser.submit("/rules", internet_mail="none", blocked=many).status == 422
    assert preferences(office) == found


def test_every_choice_of_the_sanitiser_can_be_made(office: PostOffice) -> None:
    browser = signed_in(office)
    switches = [each.name for each in fields(Choices) if isinstance(each.default, bool)]
    opposite = {name: "yes" for name in switches if not getattr(Choices(), name)}
    browser.submit(
        "/cleaning",
        html="plain text",
        unclean="drop",
        unknown="refuse",
        foreign_user_ids="pass",
        dangerous="drop",
        **opposite,
    )
    made = preferences(office).cleaning
    assert made == Choices(
        html=Html.PLAIN_TEXT,
        unclean=OnFailure.DROP,
        unknown=OnFailure.REFUSE,
        foreign_user_ids=OnFailure.PASS,
        dangerous=Dangerous.DROP,
        **{name: name in opposite for name in switches},
    )
    page = b"Content-Type: text/html\r\n"
    message = mail("alice", "bob", body="<p>Hello</p>\r\n", extra=page.decode())
    office.submit(address("alice"), address("bob"), message)
    assert b"text/html" not in office.fetch("bob")[0]


def test_mailbox_is_emptied_and_the_account_stays(office: PostOffice) -> None:
    office.submit(address("bob"), address("alice"), mail("bob", "alice"))
    browser = signed_in(office)
    assert "1 messages" in browser.get("/mailbox").text
    assert browser.submit("/empty", old="wrong password").status == 422
    assert len(office.fetch("alice")) == 1
    assert "Deleted: 1 messages." in browser.submit("/empty", old=PASSWORD).text
    assert office.fetch("alice") == []


def test_disabled_account_is_signed_out_and_lets_nobody_in(office: PostOffice) -> None:
    browser = signed_in(office)
    browser.submit("/close", old=PASSWORD, what="disable")
    assert "Sign in" in browser.get("/mailbox").text
    assert browser.submit("/sign-in", name="alice", password=PASSWORD).status == 422


def test_deleting_asks_twice_and_the_name_is_gone_for_ever(office: PostOffice) -> None:
    browser = signed_in(office)
    assert browser.submit("/close", old=PASSWORD, what="delete").status == 422
    assert browser.submit("/close", old=PASSWORD, what="delete", name="Alice").status == 200
    again = Browser(office.portal_port).submit(
        "/create", name="alice", password=PASSWORD, again=PASSWORD
    )
    assert "taken, or was once" in again.text
