# SPDX-License-Identifier: Apache-2.0
"""Mail all the way, out and in: the user's way to the core and the gateway's go over I2P."""

import poplib
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
from tests.internet.station import Peer, newest, wait_until
from tests.internet.world.place import GATEWAY, add_addresses, why_not
from tests.internet.world.world import World, world
from tests.office import OFFICIAL, PASSWORD, PostOffice, address

pytestmark = pytest.mark.interop

# A core that dialled before there was a router comes back after at most a minute.
LINK_SECONDS = 120.0


@pytest.fixture(scope="module")
def net(village: Village, post: PostOffice) -> Iterator[World]:
    """An Internet beside the routers, in which the gateway is known, which runs and is linked."""
    if reason := why_not():
        pytest.skip(reason)
    add_addresses()
    with TemporaryDirectory(prefix="eepost-internet-") as folder:
        Path(folder).chmod(0o755)
        with world(Path(folder)) as running:
            running.ours(*village.gateway.records())
            village.gateway.set("mx", "listen", [f"{GATEWAY}:25"])
            village.gateway.start()
            try:
                wait_until(lambda: newest(post, "gateways_up") == 1, LINK_SECONDS)
                wait_until(lambda: newest(village.gateway, "core_is_up") == 1, LINK_SECONDS)
                wait_until((village.gateway.directory / "core.key").exists, LINK_SECONDS)
                yield running
            finally:
                village.gateway.kill()


def test_mail_leaves_over_i2p_and_arrives_on_the_internet(
    post: PostOffice, net: World, figure: Figure
) -> None:
    post.add("out-a")
    with post.registry() as registry:
        registry.adjust("out-a", lambda each: replace(each, delay=Delay.NONE))
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


def test_mail_from_the_internet_is_taken_over_i2p_while_its_sender_waits(
    village: Village, post: PostOffice, net: World, figure: Figure
) -> None:
    post.add("in-a")
    letter = (
        b"Received: from laptop ([192.0.2.7])\r\nFrom: Bob <bob@peer.example>\r\n"
        b"To: in-a@example.org\r\nSubject: in\r\n\r\nHello from outside\r\n"
    )
    with Peer(20) as peer:
        peer.mail("bob@peer.example")
        assert peer.rcpt("nobody@example.org")[0] == 550, "the core knows, and was asked"
        peer.rset()
        begun = time.monotonic()
        assert peer.bring(letter, "in-a@example.org")[0] == 250
    taken = time.monotonic() - begun
    assert not list((village.gateway.directory / "kept").iterdir()), "the core has it"
    box = poplib.POP3("127.0.0.1", ALICE.pop3, timeout=120)
    box.user("in-a")
    box.pass_(PASSWORD)
    message = b"\r\n".join(box.retr(1)[1])
    box.quit()
    figure(f"from a far server's MAIL to its 250, asking the core over I2P: {taken:.2f} s")
    assert b"Hello from outside" in message
    assert named(message, "To") == [address("in-a")]
    assert b"192.0.2.7" not in message
