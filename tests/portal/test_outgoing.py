# SPDX-License-Identifier: Apache-2.0
"""What waits to leave, as its sender and nobody else sees it."""

import re
import subprocess
from pathlib import Path

import pytest

from eepost.app.known_gateways import KnownGateway, write_gateway
from tests.office import OFFICIAL, PostOffice, address, mail
from tests.portal.browser import Browser
from tests.portal.test_choices import signed_in

FAR = "friend@far.example"


@pytest.fixture
def waiting_office(tmp_path: Path) -> PostOffice:
    """A post office that knows a gateway which is never there: what leaves waits."""
    settings = {"mail": {"message_id_domain": OFFICIAL}}
    office = PostOffice(tmp_path / "office", settings).create()
    office.add("alice", "bob")
    known = KnownGateway(
        way="port 127.0.0.1:9", port=0, gateway="a" * 64, core="b" * 64, secret="c" * 64
    )
    write_gateway(office.directory, "far", known)
    return office


def buttons(browser: Browser) -> list[str]:
    return re.findall(r'name="cancel" value="(\d+)"', browser.get("/outgoing").text)


def test_sender_sees_what_waits_and_takes_it_back(waiting_office: PostOffice) -> None:
    office = waiting_office.start()
    try:
        office.submit(address("alice"), FAR, mail("alice", "bob"))
        alice, bob = signed_in(office), signed_in(office, "bob")
        page = alice.get("/outgoing").text
        assert FAR in page
        assert "19 of 20 different people" in alice.get("/mailbox").text
        (number,) = buttons(alice)
        # Nobody else sees it, nor takes it back with its number and a ticket of his own.
        assert FAR not in bob.get("/outgoing").text
        assert bob.submit("/outgoing", cancel=number).status == 422
        for wrong in ("0", "-1", "x", "9" * 30, "²"):
            assert alice.submit("/outgoing", cancel=wrong).status == 422
        assert buttons(alice) == [number]
        assert "was taken back" in alice.submit("/outgoing", cancel=number).text
        assert buttons(alice) == []
        assert alice.submit("/outgoing", cancel=number).status == 422
    finally:
        office.kill()


def test_stamp_raises_what_may_be_sent_once(office: PostOffice) -> None:
    made = ["hashcash", "-mq", "-b", "20", "alice@mail.i2p"]
    stamp = subprocess.run(made, capture_output=True, text=True, check=True).stdout.strip()
    alice, bob = signed_in(office), signed_in(office, "bob")
    assert "20 of 20 different people" in alice.get("/mailbox").text
    assert "no stamp for your address" in bob.submit("/mailbox", stamp=stamp).text
    assert "was counted" in alice.submit("/mailbox", stamp=stamp).text
    assert "40 of 40 different people" in alice.get("/mailbox").text
    assert "counted before" in alice.submit("/mailbox", stamp=stamp).text
    assert "20 of 20 different people" in bob.get("/mailbox").text


def test_sign_ins_are_shown_as_counts(office: PostOffice) -> None:
    office.fetch("alice")
    office.submit(address("alice"), address("bob"), mail("alice", "bob"))
    page = signed_in(office).get("/mailbox").text
    assert re.search(r"<td>20\d\d-\d\d-\d\d</td><td>3</td>", page)
