# SPDX-License-Identifier: Apache-2.0
"""Journey 2 as a whole: from a mail program to a far server's folder, and back on failure."""

import smtplib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from eepost.accounts.preferences import Delay
from eepost.app.settings import Outgoing
from tests.figures import Figure
from tests.internet.gateway import eepost
from tests.internet.letters import named
from tests.internet.station import Station, newest, station, wait_until
from tests.internet.wire import wire
from tests.internet.world.world import World
from tests.office import DOMAIN, OFFICIAL, PASSWORD, address
from tests.sanitise.leaks import leaks

pytestmark = pytest.mark.interop

# Recipients each get one message; a gateway is killed when so many have arrived.
LOAD = 240
KILLED_AFTER = 40
SENDERS = 4


@pytest.fixture(scope="module")
def ours(net: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A core with two gateways; alice's mail leaves at once."""
    outgoing = {"recipients": 10_000, "messages": 10_000}
    folder = tmp_path_factory.mktemp("outgoing")
    with station(net, folder, gateways=2, outgoing=outgoing) as running:
        running.core.add("alice")
        with running.core.registry() as registry:
            registry.adjust("alice", lambda each: replace(each, delay=Delay.NONE))
        wait_until(lambda: newest(running.core, "gateways_up") == 2)
        yield running


def letter(recipient: str, token: str) -> bytes:
    return (
        f"Received: from laptop ([192.0.2.7])\r\nFrom: Alice <{address('alice')}>\r\n"
        f"To: {recipient}\r\nSubject: {token}\r\nUser-Agent: Secret/1\r\n\r\nHello {token}\r\n"
    ).encode()


def send(ours: Station, *recipients: str) -> None:
    with smtplib.SMTP("127.0.0.1", ours.core.smtp_port, local_hostname="x", timeout=60) as smtp:
        smtp.login("alice", PASSWORD)
        for each in recipients:
            smtp.sendmail(address("alice"), [each], letter(each, each.partition("@")[0]))


def test_mail_of_a_user_arrives_signed_and_tells_nothing_of_where_it_came_from(
    net: World, ours: Station
) -> None:
    with wire() as heard:
        send(ours, "whole-way@plain.example")
        message = net.postfix.mail.wait("whole-way@plain.example")[0]
        octets = heard.heard()
    assert named(message, "From") == [f"Alice <alice@{OFFICIAL}>"]
    assert len(named(message, "DKIM-Signature")) == 2
    assert len(named(message, "Received")) == 2, "the far server's own, and the gateway's one"
    assert b"Hello whole-way" in octets
    for leak in (DOMAIN, "Secret", "192.0.2.7", "laptop"):
        assert leak.encode() not in octets


def test_refusal_by_a_far_server_comes_back_as_a_report(net: World, ours: Station) -> None:
    net.postfix.refuse({"refused@": "550 5.1.1 the words of a far server"})
    send(ours, "refused@far.example")
    wait_until(lambda: bool(ours.core.fetch("alice")))
    (report,) = ours.core.fetch("alice")
    net.postfix.refuse({})
    assert b"refused@far.example\r\nAction: failed\r\nStatus: 5.1.1" in report
    assert b"words of a far server" not in report
    ours.core.remove_all("alice")


def test_message_passes_the_leak_checker_beneath_what_the_gateway_has_added(
    net: World, ours: Station
) -> None:
    """Signatures and the Received field stand in front; the control is what was submitted."""
    send(ours, "leaks@plain.example")
    message = net.postfix.mail.wait("leaks@plain.example")[0]
    below = message[message.index(b"\r\nFrom: ") + 2 :]
    assert leaks(below, OFFICIAL, known="alice bob") == []
    assert leaks(letter("leaks@plain.example", "x"), OFFICIAL)


def test_mail_that_was_put_off_arrives_when_it_is_tried_again(net: World, ours: Station) -> None:
    net.postfix.refuse({"later@": "451 4.7.1 greylisted"})
    before = newest(ours.core, "queue_deferred")
    send(ours, "later@far.example")
    wait_until(lambda: newest(ours.core, "queue_deferred") > before)
    assert not net.postfix.mail.now("later@far.example")
    net.postfix.refuse({})
    eepost("queue", "retry", "--all", "--data", str(ours.core.directory))
    net.postfix.mail.wait("later@far.example")
    assert not ours.core.fetch("alice")


def test_drained_gateway_gets_no_more_mail_until_it_is_resumed(net: World, ours: Station) -> None:
    where = ("--data", str(ours.core.directory))
    first, second = ours.gateways
    eepost("gateway", "drain", first.name, *where)
    time.sleep(2.5)  # the core looks every two seconds
    told = newest(first, "relay_messages")
    send(ours, *[f"drained{at}@far.example" for at in range(12)])
    for at in range(12):
        net.postfix.mail.wait(f"drained{at}@far.example")
    wait_until(lambda: newest(second, "relay_messages") >= 12)
    assert newest(first, "relay_messages") == told
    eepost("gateway", "resume", first.name, *where)
    time.sleep(2.5)
    send(ours, *[f"resumed{at}@far.example" for at in range(12)])
    wait_until(lambda: newest(first, "relay_messages") > told)


def test_nothing_is_lost_when_a_gateway_is_killed_under_load(
    net: World, ours: Station, figure: Figure
) -> None:
    recipients = [f"load{at}@far.example" for at in range(LOAD)]
    mail = net.postfix.mail
    threads = [
        threading.Thread(target=send, args=(ours, *recipients[at::SENDERS]))
        for at in range(SENDERS)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: arrived(mail.everything()) >= KILLED_AFTER, 60)
    ours.gateway.kill()
    at_death = arrived(mail.everything())
    for thread in threads:
        thread.join(60)
    wait_until(lambda: arrived(mail.everything()) == LOAD, 90)
    wait_until(lambda: newest(ours.core, "queue_under_way") == 0)
    of_each = [len(mail.now(each)) for each in recipients]
    copies = sum(of_each)
    figure(
        f"outgoing, a gateway of two killed: {LOAD} accepted, {at_death} had arrived by then,"
        f" {arrived(mail.everything())} arrived in the end, {copies - LOAD} of them twice"
    )
    assert not ours.core.fetch("alice"), "no report of a failure"
    assert max(of_each) <= 2, "one death costs nobody more than one duplicate"
    # Whoever had not been reported was in the hands of the core's relay, a recipient each here. Of
    # them only who was being told to the far server can have got it, four sessions as a rule, and
    # whose outcome a busy core had not read from its socket yet.
    under_way = Outgoing().at_once
    assert copies - LOAD <= under_way, "at worst what was under way at that moment"
    events = {line["event"] for role in (ours.core, ours.gateways[1]) for line in role.lines}
    assert "fault" not in events


def arrived(everything: dict[str, list[bytes]]) -> int:
    return sum(1 for who in everything if who.startswith("load"))
