# SPDX-License-Identifier: Apache-2.0
"""`eepost queue` and `eepost account outgoing` beside a running post office."""

import re
import smtplib
from collections.abc import Iterator

import pytest

from tests.app.test_cli import eepost
from tests.far_gateway import FarGateway
from tests.journeys.test_to_the_internet import letter, wait_for
from tests.office import OFFICIAL, PostOffice, address


@pytest.fixture
def waiting(new_office: PostOffice) -> Iterator[PostOffice]:
    """A running post office where two mails of Alice's wait to leave, deferred."""
    with FarGateway() as gateway:
        new_office.change_config('#message_id_domain = ""', f'message_id_domain = "{OFFICIAL}"')
        new_office.add("alice", "bob")
        gateway.introduce_to(new_office.directory)
        office = new_office.start()
        for name in ("carol", "dave"):
            recipient = f"{name}@example.com"
            office.submit(address("alice"), recipient, letter(recipient).encode())
        yield office


def run(office: PostOffice, *arguments: str) -> str:
    done = eepost(*arguments, "--data", office.directory)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_operator_sees_and_acts_on_what_waits(waiting: PostOffice) -> None:
    listed = run(waiting, "queue", "list")
    assert listed.count("deferred") == 2
    assert not re.search("alice|carol|dave|example", listed)
    told = run(waiting, "queue", "list", "--addresses", "--to", "carol@example.com")
    ((number,),) = [re.findall(r"^([0-9a-f]{16})\b", told, re.MULTILINE)]
    assert "alice" in told
    assert "dave" not in told
    shown = run(waiting, "queue", "show", number[:8])
    assert "waiting" in shown
    assert "carol" not in shown
    assert "carol" in run(waiting, "queue", "show", number, "--addresses")
    assert run(waiting, "queue", "hold", number) == "1 held.\n"
    assert "held" in run(waiting, "queue", "list", "--held")
    assert run(waiting, "queue", "release", "--all") == "2 released.\n"
    assert run(waiting, "queue", "drop", number, "--yes") == "1 dropped.\n"
    assert run(waiting, "queue", "cancel", "--account", "alice", "--yes") == "1 cancelled.\n"
    wait_for(lambda: waiting.fetch("alice"))
    assert b"dave@example.com\r\nAction: failed" in waiting.fetch("alice")[0]
    assert run(waiting, "queue", "list") == "Nothing waits.\n"


def test_nothing_is_done_to_everything_by_mistake(waiting: PostOffice) -> None:
    done = eepost("queue", "drop", "--yes", "--data", waiting.directory)
    assert done.returncode == 2
    assert eepost("queue", "drop", "1", "--yes", "--data", waiting.directory).returncode == 2
    assert run(waiting, "queue", "list").count("deferred") == 2


def test_user_takes_back_what_has_not_left(waiting: PostOffice) -> None:
    shown = run(waiting, "account", "outgoing", "alice")
    assert "carol@example.com" in shown
    assert run(waiting, "account", "outgoing", "bob") == "Nothing waits.\n"
    number = re.findall(r"^([0-9a-f]{16})\b.*carol", shown, re.MULTILINE)[0]
    assert "0 taken back" in run(waiting, "account", "outgoing", "bob", "--cancel", number)
    after = run(waiting, "account", "outgoing", "alice", "--cancel", number)
    assert "1 taken back" in after
    assert "carol" not in after
    assert waiting.fetch("alice") == []


def test_who_refuses_mail_gets_none_and_the_sender_hears_within_a_second(
    waiting: PostOffice,
) -> None:
    run(waiting, "queue", "refuse", "Eve@Example.com")
    # A running post office takes notice within a second.
    wait_for(lambda: "wants no mail" in said_to_sender(waiting, "eve@example.com"))
    run(waiting, "queue", "accept", "eve@example.com")
    wait_for(lambda: not said_to_sender(waiting, "eve@example.com"))


def said_to_sender(office: PostOffice, recipient: str) -> str:
    """Let Alice write to somebody; return what she hears, nothing where it was taken."""
    try:
        office.submit(address("alice"), recipient, b"Subject: s\r\n\r\nx\r\n")
    except smtplib.SMTPRecipientsRefused as refused:
        return repr(refused.recipients)
    return ""


def test_choices_are_set_and_shown(new_office: PostOffice) -> None:
    new_office.add("alice")
    chosen = ("--delay", "batch", "--internet-mail", "correspondents", "--delay-local-copies")
    blocks = ("--block", "Bad@Example.com", "--block", "@worse.example")
    shown = run(new_office, "account", "set", "alice", *chosen, *blocks)
    assert re.findall(r"  (\S.*)$", shown, re.MULTILINE) == [
        *("batch", "yes", "from people written to", "bad@example.com, @worse.example")
    ]
    shown = run(new_office, "account", "set", "alice", "--unblock", "@worse.example")
    assert shown.endswith("blocked             bad@example.com\n")
    assert run(new_office, "account", "set", "alice") == shown
    for wrong in (("--block", "nobody"), ("--internet-mail", "some"), ("--delay", "never")):
        done = eepost("account", "set", "alice", *wrong, "--data", new_office.directory)
        assert done.returncode == 2
