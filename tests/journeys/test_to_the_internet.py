# SPDX-License-Identifier: Apache-2.0
"""Journey 2 through a running post office, up to the gateway, as a mail program sees it."""

import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from eepost.accounts.preferences import Delay
from eepost.wire.transfer.messages import Fate
from tests.far_gateway import FarGateway
from tests.office import DOMAIN, OFFICIAL, PASSWORD, PostOffice, address

FAILED = (Fate.FAILED, "5.1.1", 550)


def letter(*recipients: str, extra: str = "") -> str:
    return (
        f"From: Alice <{address('alice')}>\r\nTo: {', '.join(recipients)}\r\n"
        f"Subject: out\r\n{extra}\r\nHello out there\r\n"
    )


def wait_for(condition: Callable[[], Any], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@contextmanager
def logged_in(office: PostOffice, name: str = "alice") -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", office.smtp_port, local_hostname="x", timeout=60) as smtp:
        smtp.login(name, PASSWORD)
        smtp.ehlo()
        yield smtp


def send(smtp: smtplib.SMTP, *recipients: str, extra: str = "") -> tuple[int, bytes]:
    smtp.mail(address("alice"))
    for each in recipients:
        assert smtp.rcpt(each)[0] == 250, each
    return smtp.data(letter(*recipients, extra=extra).encode())


@pytest.fixture
def gateway() -> Iterator[FarGateway]:
    with FarGateway() as far:
        yield far
        assert far.faults == []


@pytest.fixture
def linked(new_office: PostOffice, gateway: FarGateway) -> PostOffice:
    """A running post office with alice, who delays nothing, bob, and a gateway."""
    new_office.change_config('#message_id_domain = ""', f'message_id_domain = "{OFFICIAL}"')
    new_office.add("alice", "bob")
    gateway.introduce_to(new_office.directory)
    set_delay(new_office, Delay.NONE)
    return new_office.start()


def set_delay(office: PostOffice, delay: Delay, delays_local_copies: bool = False) -> None:
    with office.registry() as registry:
        registry.adjust(
            "alice",
            lambda each: replace(each, delay=delay, delays_local_copies=delays_local_copies),
        )


def test_mail_reaches_the_gateway_with_official_addresses_and_nothing_else(
    linked: PostOffice, gateway: FarGateway
) -> None:
    leaks = "User-Agent: Secret/1\r\nX-Originating-IP: 192.0.2.7\r\nMessage-ID: <1.2@laptop>\r\n"
    with logged_in(linked) as smtp:
        smtp.mail(address("alice"), ["ENVID=job-42", "RET=FULL"])
        assert smtp.rcpt("bob@example.com", ["ORCPT=rfc822;b@laptop"])[0] == 250
        code, text = smtp.data(letter("bob@example.com", address("bob"), extra=leaks).encode())
    assert (code, b"leaves at once" in text) == (250, True)
    wait_for(lambda: gateway.arrived)
    (arrived,) = gateway.arrived
    assert arrived.order.reverse_path == f"alice@{OFFICIAL}"
    assert arrived.order.recipients == ("bob@example.com",)
    header = arrived.content.partition(b"\r\n\r\n")[0].decode()
    assert f"From: Alice <alice@{OFFICIAL}>\r\n" in header
    assert f"To: bob@example.com, bob@{OFFICIAL}\r\n" in header
    for leak in (DOMAIN, "Secret", "192.0.2.7", "laptop", "job-42", "Received", "Return-Path"):
        assert leak not in header
    assert arrived.content.endswith(b"\r\n\r\nHello out there\r\n")


def test_mixed_mail_is_accepted_once_and_reaches_both(
    linked: PostOffice, gateway: FarGateway
) -> None:
    with logged_in(linked) as smtp:
        assert send(smtp, "bob@example.com", address("bob"))[0] == 250
    wait_for(lambda: gateway.arrived)
    assert len(linked.fetch("bob")) == 1
    assert linked.fetch("alice") == []


def test_a_person_who_is_named_twice_gets_one_copy(linked: PostOffice, gateway: FarGateway) -> None:
    with logged_in(linked) as smtp:
        assert send(smtp, "bob@example.com", "Bob@Example.com", "carol@example.com")[0] == 250
    wait_for(lambda: gateway.arrived)
    assert gateway.arrived[0].order.recipients == ("bob@example.com", "carol@example.com")


def test_failure_comes_back_to_the_sender(linked: PostOffice, gateway: FarGateway) -> None:
    gateway.answer = lambda _: FAILED
    with logged_in(linked) as smtp:
        assert send(smtp, "nobody@example.com")[0] == 250
    wait_for(lambda: linked.fetch("alice"))
    (report,) = linked.fetch("alice")
    assert b"nobody@example.com\r\nAction: failed\r\nStatus: 5.1.1" in report


def test_mail_waits_for_a_gateway_that_is_down_and_survives_a_crash(
    linked: PostOffice, gateway: FarGateway
) -> None:
    gateway.down()
    with logged_in(linked) as smtp:
        assert send(smtp, "bob@example.com")[0] == 250
    linked.kill()
    gateway.up()
    linked.start()
    wait_for(lambda: gateway.arrived)
    assert len(gateway.arrived) == 1


@pytest.mark.parametrize(
    ("delay", "words"),
    [(Delay.DEFER, b"between 33 and 67 minutes"), (Delay.BATCH, b"at 00:00 or 12:00 UTC")],
)
def test_delayed_mail_stays_and_the_reply_says_for_how_long(
    linked: PostOffice, gateway: FarGateway, delay: Delay, words: bytes
) -> None:
    set_delay(linked, delay, delays_local_copies=delay is Delay.BATCH)
    with logged_in(linked) as smtp:
        code, text = send(smtp, "bob@example.com", address("bob"))
    assert (code, words in text) == (250, True)
    time.sleep(3)  # longer than the queue is looked at
    assert gateway.arrived == []
    assert len(linked.fetch("bob")) == (1 if delay is Delay.DEFER else 0)


def test_without_a_gateway_nobody_is_on_the_internet(office: PostOffice) -> None:
    with logged_in(office) as smtp:
        smtp.mail(address("alice"))
        code, text = smtp.rcpt("bob@example.com")
    assert (code, b"no gateway" in text) == (550, True)


def test_domains_that_no_gateway_can_reach_are_refused(linked: PostOffice) -> None:
    with logged_in(linked) as smtp:
        smtp.mail(address("alice"))
        for domain in ("elsewhere.i2p", "hidden.onion", "printer.local", "localhost"):
            assert smtp.rcpt(f"bob@{domain}")[0] == 550


def test_queue_that_is_full_puts_mail_to_the_internet_off_and_no_other(
    new_office: PostOffice,
) -> None:
    large = ("large, and larger, and larger still than that\r\n" * 200_000)[:9_000_000]
    new_office.change_config('#message_id_domain = ""', f'message_id_domain = "{OFFICIAL}"')
    new_office.change_config("#queue_octets = 4000000000", "queue_octets = 16777216")
    new_office.add("alice", "bob")
    with FarGateway() as far:
        far.introduce_to(new_office.directory)
        new_office.start()
        with logged_in(new_office) as smtp:
            replies = []
            for _ in range(2):
                smtp.mail(address("alice"))
                assert smtp.rcpt("bob@example.com")[0] == 250
                replies.append(smtp.data((letter("bob@example.com") + large).encode()))
            assert [code for code, _ in replies] == [250, 452]
            assert b"Too much mail waits to leave for the Internet already" in replies[1][1]
            assert send(smtp, address("bob"))[0] == 250
            assert send(smtp, "carol@example.com")[0] == 250, "what is small still has room"
