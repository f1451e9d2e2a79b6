# SPDX-License-Identifier: Apache-2.0
"""Peers that never finish what they say, and peers that never read what they are told."""

import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.bad_input.aftermath import (
    RECIPIENT,
    SENDER,
    assert_goes_on,
    inbox,
    message,
    send,
    settle,
)
from tests.bad_input.conftest import OpenOffice
from tests.interop.raw import Line, PopSession, SmtpSession
from tests.interop.running import Desk
from tests.office import PostOffice

MEGABYTE = 1_048_576
# More than any session may make the server hold: its buffers of both directions, and some slack.
MOST_GROWTH_OCTETS = 48 * MEGABYTE


def _memory_octets(office: PostOffice) -> int:
    for line in Path(f"/proc/{office.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def _say_without_reading(line: Line, octets: bytes, at_most: int) -> int:
    """Say `octets` again and again until nobody takes any more; return how much was taken."""
    line.socket.settimeout(2)
    taken = 0
    with suppress(TimeoutError, ConnectionError):
        while taken < at_most:
            taken += line.socket.send(octets)
    return taken


def test_silent_and_dripping_peers_end_and_others_are_served_meanwhile(
    open_office: OpenOffice,
) -> None:
    office = open_office({"smtp": {"idle_seconds": 10}})
    sender, recipient = settle(office, SENDER), settle(office, RECIPIENT)
    with ExitStack() as stack:
        silent = stack.enter_context(Line(office.smtp_port))
        silent.reply()
        in_data = stack.enter_context(SmtpSession(sender))
        in_data.open(sender, recipient.address)
        in_data.ask(b"DATA")
        in_data.say(message(sender))
        in_login = stack.enter_context(Line(office.smtp_port))
        in_login.reply()
        in_login.ask(b"EHLO x")
        in_login.ask(b"AUTH LOGIN")
        dripping = [stack.enter_context(Line(office.smtp_port)) for _ in range(50)]
        begun = time.monotonic()
        while time.monotonic() - begun < 5:
            for line in dripping:
                line.say(b"N")
            assert send(sender, recipient, message(sender)).startswith(b"250 ")
        for line in (silent, in_data, in_login):
            assert line.rest().startswith(b"421 4.4.2 "), "told, and the stream closed"
        assert time.monotonic() - begun < 40
    assert all(b"zephyrine" in each for each in inbox(recipient))
    assert_goes_on(office)


@pytest.mark.parametrize(
    ("service", "command"), [("smtp", b"EHLO x\r\n"), ("pop3", b"CAPA\r\n")], ids=["smtp", "pop3"]
)
def test_a_peer_that_reads_no_replies_is_read_no_further(
    service: str, command: bytes, open_office: OpenOffice
) -> None:
    # The commands that a session may have must not be what ends it here.
    office = open_office({service: {"commands": 1_000_000_000}})
    before = _memory_octets(office)
    with Line({"smtp": office.smtp_port, "pop3": office.pop3_port}[service]) as line:
        taken = _say_without_reading(line, command * 10_000, 400 * MEGABYTE)
        assert taken < 100 * MEGABYTE
        assert _memory_octets(office) - before < MOST_GROWTH_OCTETS
        assert_goes_on(office)


def _fill(office: PostOffice) -> Desk:
    sender, recipient = settle(office, SENDER), settle(office, RECIPIENT)
    large = message(sender) + b"".join(b"%07d of bread\r\n" % n for n in range(200_000))
    for _ in range(3):
        assert send(sender, recipient, large).startswith(b"250 ")
    return recipient


def test_peers_that_fetch_and_never_read_cost_no_more_than_their_buffers(
    open_office: OpenOffice,
) -> None:
    office = open_office({})
    recipient = _fill(office)
    before = _memory_octets(office)
    with ExitStack() as stack:
        for _ in range(20):
            pop = PopSession(recipient)
            stack.callback(pop.close)
            pop.say(b"RETR 1\r\nRETR 2\r\nRETR 3\r\n" * 1_000)
        assert_goes_on(office)
        assert _memory_octets(office) - before < MOST_GROWTH_OCTETS
    assert len(inbox(recipient)) == 3


def test_an_endless_line_is_not_kept(open_office: OpenOffice) -> None:
    office = open_office({})
    before = _memory_octets(office)
    for port, no in ((office.smtp_port, b"500 "), (office.pop3_port, b"-ERR ")):
        with Line(port) as line:
            line.hear()
            for _ in range(100):
                line.say(b"x" * MEGABYTE)
            assert line.hear().startswith(no), "told as soon as it shows"
            assert _memory_octets(office) - before < MOST_GROWTH_OCTETS
    assert_goes_on(office)
