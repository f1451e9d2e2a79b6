# SPDX-License-Identifier: Apache-2.0
"""What becomes of mail on its way out: each kind of domain, and what arrives there."""

from collections.abc import Iterator

import pytest

from tests.internet.core_side import core_side
from tests.internet.gateway import Gateway, pair
from tests.internet.letters import clean, named
from tests.internet.world.world import World
from tests.office import PostOffice

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def core(net: World, tmp_path_factory: pytest.TempPathFactory) -> PostOffice:
    """A core on disk: its part is played by the tests."""
    return PostOffice(tmp_path_factory.mktemp("core") / "office").create()


@pytest.fixture(scope="module")
def gateway(
    net: World, core: PostOffice, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway") / "gateway"
    settings = {
        "dns": {"seconds": 3.0},
        "relay": {"connect_seconds": 2.0, "command_seconds": 3.0, "content_seconds": 5.0},
    }
    environment = {"SSL_CERT_FILE": str(net.known.file)}
    with Gateway(folder, settings, environment).create() as gateway:
        net.ours(*gateway.records())
        pair(core, gateway)
        yield gateway.start()


async def test_accepted_mail_arrives(net: World, core: PostOffice, gateway: Gateway) -> None:
    async with core_side(core.directory) as link:
        told = await link.relay(clean("bob@far.example"), "bob@far.example")
    assert told == {"bob@far.example": ("delivered", "2.0.0", 250)}
    arrived = net.postfix.mail.wait("bob@far.example")[0]
    assert named(arrived, "Return-Path") == ["<alice@example.org>"]
