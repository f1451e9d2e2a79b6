# SPDX-License-Identifier: Apache-2.0
"""A letterbox reaches its service through I2P: by client tunnels, and by a router's SOCKS5 port."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from eepost.app.i2p import MAIL_KEYS
from tests.i2p.test_mail_programs import desk
from tests.i2p.village import ALICE, MALLORY, Village
from tests.interop.running import Desk
from tests.letterbox.box import Letterbox
from tests.letterbox.test_proxy import inbox, send
from tests.letterbox.waiting import until
from tests.office import PostOffice

# A round trip of the private network takes tens of milliseconds; a stream stands still for seconds.
SECONDS = 90.0


@pytest.fixture(scope="module")
def box(
    village: Village, post: PostOffice, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Letterbox]:
    """A letterbox with two identities: alice by her tunnels, mallory by his SOCKS5 port."""
    box = Letterbox(tmp_path_factory.mktemp("box") / "letterbox")
    patience = {"silence_seconds": 60.0}
    box.add(ALICE.smtp, ALICE.pop3, service=patience)
    address = village.reach.keys(MAIL_KEYS).b32
    proxy = f"socks5 127.0.0.1:{MALLORY.socks} {address}"
    ways = {"smtp": f"{proxy}:25", "pop3": f"{proxy}:110"}
    box.add(1, 1, "other", service=patience | ways).start()
    yield box
    box.kill()


def people(post: PostOffice, folder: Path) -> tuple[Desk, Desk]:
    return desk(post, folder, "alice"), desk(post, folder, "bob")


@pytest.mark.parametrize("identity", ["me", "other"])
def test_a_letter_goes_out_and_in_over_i2p(
    identity: str, box: Letterbox, post: PostOffice, tmp_path: Path
) -> None:
    alice, bob = people(post, tmp_path)
    inbox(box.ports[f"{identity}_pop3"], alice.account)  # the first sign-in
    begun = time.monotonic()
    send(box.ports[f"{identity}_smtp"], alice.account, bob.address, body="over I2P\r\n")
    assert time.monotonic() - begun < 5.0  # nobody waits for the route
    until(lambda: post.fetch(bob.account), SECONDS)
    (found,) = until(lambda: inbox(box.ports[f"{identity}_pop3"], bob.account), SECONDS)
    assert b"over I2P" in found
