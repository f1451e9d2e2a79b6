# SPDX-License-Identifier: Apache-2.0
"""Two gateways take mail under load while they and the core are killed: nothing is lost."""

import smtplib
import threading
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.figures import Figure
from tests.internet.gateway import Gateway
from tests.internet.station import Peer, Station, station, wait_until
from tests.internet.world.place import GATEWAY, SECOND_GATEWAY, host
from tests.internet.world.world import World

pytestmark = pytest.mark.interop

SENDERS = 6
MESSAGES = 40  # of each
BETWEEN_TRIES = 0.2
NAMES = ("alice", "bob", "carol")


class Sender(threading.Thread):
    """A mail server: tries one gateway, then the other, until somebody says yes."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.accepted: list[str] = []
        self.unsure: set[str] = set()  # broke off after the dot: may be there twice

    def run(self) -> None:
        for at in range(MESSAGES):
            self._deliver(f"n{self.number}-{at}")

    def _deliver(self, token: str) -> None:
        recipient = f"{NAMES[self.number % len(NAMES)]}@example.org"
        message = (
            f"From: b@load.example\r\nTo: {recipient}\r\nSubject: {token}\r\n\r\nx\r\n".encode()
        )
        for turn in range(1_000):
            gateway = (GATEWAY, SECOND_GATEWAY)[(self.number + turn) % 2]
            is_at_dot = False
            try:
                with Peer(20 + self.number, gateway) as peer:
                    peer.mail("b@load.example")
                    if peer.rcpt(recipient)[0] != 250:
                        raise smtplib.SMTPException
                    is_at_dot = True
                    code, _ = peer.data(message)
                    is_at_dot = False
                if code == 250:
                    self.accepted.append(token)
                    return
            except (OSError, smtplib.SMTPException):
                if is_at_dot:
                    self.unsure.add(token)
            time.sleep(BETWEEN_TRIES)
        raise AssertionError("nobody ever took it")


def in_maildrops(ours: Station) -> Counter[str]:
    """Count the messages that lie in the maildrops, by what they are called."""
    found: Counter[str] = Counter()
    for name in NAMES:
        for message in ours.core.fetch(name):
            found[message.partition(b"\r\nSubject: ")[2].partition(b"\r\n")[0].decode()] += 1
    return found


def _have_brought(senders: Sequence[Sender], share: float) -> bool:
    return sum(len(each.accepted) for each in senders) >= share * SENDERS * MESSAGES


def _has_forwarded(gateway: Gateway) -> bool:
    return not list((gateway.directory / "kept").iterdir())


def test_nothing_is_lost_whoever_is_killed(net: World, tmp_path: Path, figure: Figure) -> None:
    addresses = " ".join(f"ip4:{host(20 + number)}" for number in range(SENDERS))
    net.zones.add("load.example", f'@ TXT "v=spf1 {addresses} -all"')
    net.ours()
    with station(net, tmp_path, gateways=2, mx={"answer_seconds": 3.0}) as ours:
        ours.core.add(*NAMES)
        senders = [Sender(number) for number in range(SENDERS)]
        for each in senders:
            each.start()
        # Each is killed while the others take what is left of the load.
        wait_until(partial(_have_brought, senders, 1 / 4))
        ours.gateways[0].kill()
        wait_until(partial(_have_brought, senders, 2 / 4))
        ours.gateways[0].start()
        ours.core.kill()
        wait_until(partial(_have_brought, senders, 3 / 4))
        ours.gateways[1].kill()
        ours.core.start()
        ours.gateways[1].start()
        for each in senders:
            each.join()
        ours.wait_for_link()
        for gateway in ours.gateways:
            wait_until(partial(_has_forwarded, gateway))
        found = in_maildrops(ours)
        accepted = {token for each in senders for token in each.accepted}
        unsure = {token for each in senders for token in each.unsure}
        assert len(accepted) == SENDERS * MESSAGES
        assert accepted <= set(found), "what was accepted is there"
        twice = {token for token, count in found.items() if count > 1}
        assert twice <= unsure, "only what a sender had to send again may be there twice"
        assert max(found.values()) <= 1 + max(len(ours.gateways), 2)
        figure(
            f"incoming, two gateways, each side killed once: {len(accepted)} accepted,"
            f" {len(accepted - set(found))} lost, {len(twice)} there twice of {len(unsure)} that"
            " were broken off at the dot and sent again"
        )
