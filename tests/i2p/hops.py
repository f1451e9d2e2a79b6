# SPDX-License-Identifier: Apache-2.0
"""The longer run: mail through tunnels of two hops among six routers, for more than ten minutes.

Its name keeps it out of an ordinary run; `make test-i2p-hops` asks for it. The routers build new
tunnels about every ten minutes, and one session here lives through that.
"""

import time
from collections.abc import Iterator

import pytest

from eepost.net.i2p.tunnels import Shape
from tests.figures import Figure
from tests.i2p.network import COUNT, OLD_LEASE_SETS, wait_for_greeting
from tests.i2p.talk import Talk, fetch, login_plain, submit
from tests.i2p.village import ALICE, Village, build
from tests.office import PostOffice, mail

pytestmark = pytest.mark.interop

# Fewer tunnels make Debian's i2pd unreliable with hops.
TWO_HOPS = Shape(hops=2, quantity=5, extra=OLD_LEASE_SETS)
# Longer than the life of a tunnel.
SESSION_SECONDS = 660.0


@pytest.fixture(scope="module")
def far_village(post: PostOffice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """The office, the users, and four routers between them."""
    folder = tmp_path_factory.mktemp("far")
    with build(post.directory, folder, TWO_HOPS, others=COUNT - 2) as village:
        village.boot_seconds = wait_for_greeting(ALICE.smtp, 300)
        wait_for_greeting(ALICE.pop3)
        yield village


def test_mail_goes_through_tunnels_of_two_hops(
    far_village: Village, post: PostOffice, figure: Figure
) -> None:
    post.add("far-a", "far-b")
    body = "0123456789" * 7 + "\r\n"
    begun = time.monotonic()
    submit(ALICE.smtp, "far-a", "far-b", mail("far-a", "far-b", body))
    small = time.monotonic() - begun
    begun = time.monotonic()
    submit(ALICE.smtp, "far-a", "far-b", mail("far-a", "far-b", body * 14_000))
    large = time.monotonic() - begun
    assert b"".join(fetch(ALICE.pop3, "far-b", 2)).endswith((body * 14_000).encode())
    figure(
        f"two hops: boot {far_village.boot_seconds:.0f} s, small message {small:.2f} s,"
        f" 1 MB in {large:.1f} s"
    )


def test_a_session_outlives_the_tunnels_that_it_began_in(
    far_village: Village, post: PostOffice, figure: Figure
) -> None:
    post.add("long-a")
    with Talk(ALICE.smtp) as talk:
        assert talk.reply().startswith(b"220")
        assert talk.ask(b"EHLO x").startswith(b"250")
        assert talk.ask(login_plain("long-a")).startswith(b"235")
        begun, slowest = time.monotonic(), 0.0
        while time.monotonic() - begun < SESSION_SECONDS:
            asked = time.monotonic()
            assert talk.ask(b"NOOP").startswith(b"250")
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(30)
        assert talk.ask(b"QUIT").startswith(b"221")
    figure(f"two hops: a session of {SESSION_SECONDS:.0f} s, slowest answer {slowest:.2f} s")
