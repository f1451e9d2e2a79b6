# SPDX-License-Identifier: Apache-2.0
"""Servers that hang, flood, hang up or talk nonsense: the bot goes on and costs next to nothing."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import pytest

from tests.notify.hostile import (
    GREETING,
    Hostile,
    endless_line,
    flood,
    greet_and_hang,
    hang,
    hang_up,
    nonsense,
)
from tests.notify.rig import BOT, CountingBot, Rig
from tests.notify.servers import wait_until


@contextmanager
def hostile(treat: Callable[[Hostile, socket.socket], None]) -> Iterator[tuple[Hostile, Rig]]:
    """A bot that meets such a server; whatever it does, delivery and the loop go on."""
    server = Hostile(treat)
    try:
        with Rig(server.port) as rig:
            rig.bind("amy", "amyacct")
            yield server, rig
    finally:
        server.stop()


@pytest.mark.parametrize("treat", [hang, greet_and_hang, flood, nonsense], ids=lambda f: f.__name__)
def test_mail_is_counted_and_the_loop_goes_on_whatever_the_server_does(
    treat: Callable[[Hostile, socket.socket], None],
) -> None:
    with hostile(treat) as (server, rig):
        wait_until(lambda: server.taken == 1)
        if treat is not hang:
            wait_until(lambda: rig.notifier.nick == BOT)
        end = monotonic() + 1.5
        lags = []
        while monotonic() < end:
            rig.arrive()
            lags.append(rig.lag_seconds())
        assert len(rig.news) == 1
        assert sorted(lags)[len(lags) // 2] < 0.05
        assert server.taken == 1
        assert "fault" not in rig.log.getvalue()


def test_a_flood_is_taken_in_at_a_bounded_speed() -> None:
    with hostile(flood) as (_, rig):
        wait_until(lambda: rig.notifier.nick == BOT)
        begun, before = monotonic(), CountingBot.octets
        threading.Event().wait(2)
        octets_a_second = (CountingBot.octets - before) / (monotonic() - begun)
        assert 1_000 < octets_a_second < 40_000


@pytest.mark.parametrize("treat", [endless_line, hang_up], ids=lambda f: f.__name__)
def test_a_server_that_is_left_is_tried_again_after_a_pause(
    treat: Callable[[Hostile, socket.socket], None],
) -> None:
    with hostile(treat) as (server, rig):
        rig.arrive()
        wait_until(lambda: server.taken >= 3)
        assert len(rig.news) == 1
        assert "fault" not in rig.log.getvalue()
    assert server.taken < 60


def test_a_server_that_is_not_there_is_tried_again_until_it_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    with Rig(port) as rig:
        rig.bind("amy", "amyacct")
        wait_until(lambda: rig.log.getvalue() != "")
        rig.arrive()
        with socket.create_server(("127.0.0.1", port)) as listener:
            stream, _ = listener.accept()
            with stream:
                stream.sendall(GREETING)
                said = b""
                while b"WHOIS amy\r\n" not in said:
                    octets = stream.recv(4_096)
                    assert octets
                    said += octets
        assert rig.log.getvalue().count("can't be reached") == 1
