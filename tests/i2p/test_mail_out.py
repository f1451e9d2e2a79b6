# SPDX-License-Identifier: Apache-2.0
"""One mail all the way: submitted and handed to a gateway over I2P, and on to the Internet."""

import smtplib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from eepost.accounts.preferences import Delay
from tests.figures import Figure
from tests.i2p.village import ALICE, Village
from tests.internet.letters import named
from tests.internet.station import newest, wait_until
from tests.internet.world.place import add_addresses, why_not
from tests.internet.world.world import World, world
from tests.office import OFFICIAL, PASSWORD, PostOffice, address

pytestmark = pytest.mark.interop

# A core that dialled before there was a router comes back after at most a minute.
LINK_SECONDS = 120.0


@pytest.fixture
def net(village: Village) -> Iterator[World]:
    """An Internet beside the routers, in which the gateway is known."""
    if reason := why_not():
        pytest.skip(reason)
    add_addresses()
    with TemporaryDirectory(prefix="eepost-internet-") as folder:
        Path(folder).chmod(0o755)
        with world(Path(folder)) as running:
            running.ours(*village.gateway.records())
            yield running


def test_mail_leaves_over_i2p_and_arrives_on_the_internet(
    village: Village, post: PostOffice, net: World, figure: Figure
) -> None:
    post.add("out-a")
    with post.registry() as registry:
        registry.adjust("out-a", lambda each: replace(each, delay=Delay.NONE))
    village.gateway.start()
    wait_until(lambda: newest(post, "gateways_up") == 1, LINK_SECONDS)
    wait_until(lambda: newest(village.gateway, "core_is_up") == 1, LINK_SECONDS)
    letter = (
        f"From: {address('out-a')}\r\nTo: bob@far.example\r\nSubject: out\r\n\r\nHello\r\n"
    ).encode()
    begun = time.monotonic()
    with smtplib.SMTP("127.0.0.1", ALICE.smtp, local_hostname="x", timeout=120) as smtp:
        smtp.login("out-a", PASSWORD)
        smtp.sendmail(address("out-a"), "bob@far.example", letter)
    arrived = net.postfix.mail.wait("bob@far.example")[0]
    figure(
        f"from a mail program over I2P to a far server's folder: {time.monotonic() - begun:.2f} s"
    )
    assert named(arrived, "From") == [f"out-a@{OFFICIAL}"]
    assert len(named(arrived, "DKIM-Signature")) == 2
    for leak in (b".i2p", b"127.0.0.1"):
        assert leak not in arrived
    wait_until(lambda: newest(post, "queue_under_way") == 0)
