# SPDX-License-Identifier: Apache-2.0
"""Routers are killed in the middle of mail: nothing is lost, nothing is there twice.

Once the 250 was sent, a cut may make a client send again: that is the one doubling there may be,
and it is not provoked here. When the office's router is lost, a user's router goes on for minutes
with what it knows of the old one's tunnels; so the users' router is started anew as well.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.figures import Figure
from tests.i2p.network import wait_for_greeting
from tests.i2p.talk import fetch, login, open_data, submit
from tests.i2p.village import ALICE, Village
from tests.office import PostOffice, address, mail

pytestmark = pytest.mark.interop

LINE = "x" * 76 + "\r\n"
# More than streams, tunnels and sockets hold on the way: 8 MB.
LINES_BEYOND_ALL_BUFFERS = 100_000


def lose_the_offices_router(village: Village) -> None:
    """Kill it as the kernel would, and wait until `eepost i2p run` has put another in place."""
    old = village.office_router_pid
    assert old is not None
    os.kill(old, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while village.office_router_pid in {old, None}:
        assert time.monotonic() < deadline, "no new router was started"
        time.sleep(0.05)


def lose_the_users_router(village: Village) -> None:
    """Kill it; nobody is there meanwhile."""
    village.users.end(signal.SIGKILL)


def reach_it_again(village: Village) -> float:
    """Start the users' router anew and return the seconds until both services answer."""
    begun = time.monotonic()
    village.users.end()
    village.users.start()
    wait_for_greeting(ALICE.smtp)
    wait_for_greeting(ALICE.pop3)
    return time.monotonic() - begun


@pytest.mark.parametrize("lose", [lose_the_offices_router, lose_the_users_router])
def test_router_killed_in_the_middle_of_data_and_of_retr_loses_and_doubles_nothing(
    lose: Callable[[Village], None], village: Village, post: PostOffice, figure: Figure
) -> None:
    who = lose.__name__.split("_")[2]
    sender, recipient, owner = f"{who}-from", f"{who}-to", f"{who}-own"
    post.add(sender, recipient, owner)
    message = mail(sender, recipient, LINE * 2_000)
    half = len(message) // 2
    kept = LINE * LINES_BEYOND_ALL_BUFFERS
    post.submit(address(sender), address(owner), mail(sender, owner, kept))

    with open_data(ALICE.smtp, sender, recipient) as data, login(ALICE.pop3, owner) as retr:
        data.say(message[:half])
        assert retr.ask(b"RETR 1").startswith(b"+OK")
        assert len(retr.read(100_000)) == 100_000
        time.sleep(0.5)  # lets the half be on the office's side of the tunnel
        lose(village)
        for talk in (data, retr):
            talk.stream.settimeout(2)
        with suppress(OSError):
            data.say(message[half:] + b".\r\n")
            assert not data.reply().startswith(b"250")
        with suppress(OSError):
            assert retr.multiline()[-1] == b"", "the rest can't have come through"
    assert post.fetch(recipient) == []

    figure(f"{who} router lost and replaced: {reach_it_again(village):.1f} s to both greetings")
    submit(ALICE.smtp, sender, recipient, message)
    [delivered] = post.fetch(recipient)
    assert delivered.endswith((LINE * 2_000).encode())
    assert b"".join(fetch(ALICE.pop3, owner)).endswith(kept.encode())
    assert len(post.fetch(owner)) == 1


def test_users_router_killed_after_dele_and_before_quit_deletes_nothing(
    village: Village, post: PostOffice
) -> None:
    post.add("dele-a", "dele-b")
    post.submit(address("dele-a"), address("dele-b"), mail("dele-a", "dele-b"))
    with login(ALICE.pop3, "dele-b") as talk:
        assert talk.ask(b"DELE 1").startswith(b"+OK")
        lose_the_users_router(village)
        assert talk.hear() == b""
    reach_it_again(village)
    assert len(post.fetch("dele-b")) == 1
    with login(ALICE.pop3, "dele-b") as talk:
        assert talk.ask(b"DELE 1").startswith(b"+OK")
        assert talk.ask(b"QUIT").startswith(b"+OK")
    assert post.fetch("dele-b") == [], "with QUIT it is deleted"
