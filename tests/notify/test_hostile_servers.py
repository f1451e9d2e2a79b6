# SPDX-License-Identifier: Apache-2.0
"""Servers that hang, flood, hang up or talk nonsense: the bot goes on and costs next to nothing."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic

import pytest

from tests.notify.rig import BOT, CountingBot, Rig
from tests.notify.servers import wait_until

GREETING = b":x 001 postbot :x\r\n:x 376 postbot :x\r\n"


class Hostile:
    """Lets `treat` do what it likes with each stream until `is_over`."""

    def __init__(self, treat: Callable[["Hostile", socket.socket], None]) -> None:
        self._treat = treat
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.taken = 0
        self.is_over = threading.Event()
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()

    def _listen(self) -> None:
        while not self.is_over.is_set():
            with suppress(OSError):
                stream, _ = self._listener.accept()
                self.taken += 1
                self._threads.append(
                    threading.Thread(target=self._serve, args=(stream,), daemon=True)
                )
                self._threads[-1].start()

    def _serve(self, stream: socket.socket) -> None:
        with stream, suppress(OSError):
            stream.settimeout(5)
            self._treat(self, stream)

    def stop(self) -> None:
        """End it."""
        self.is_over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(20)


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


def hang(server: Hostile, stream: socket.socket) -> None:
    server.is_over.wait(30)


def greet_and_hang(server: Hostile, stream: socket.socket) -> None:
    stream.sendall(GREETING)
    server.is_over.wait(30)


def flood(server: Hostile, stream: socket.socket) -> None:
    stream.sendall(GREETING)
    while not server.is_over.is_set():
        with suppress(TimeoutError):
            stream.sendall(b":amy!u@h PRIVMSG postbot :.help\r\nPING x\r\n" * 2_000)


def endless_line(server: Hostile, stream: socket.socket) -> None:
    while not server.is_over.is_set():
        stream.sendall(b"x" * 65_536)


def hang_up(server: Hostile, stream: socket.socket) -> None:
    stream.sendall(GREETING + b"ERROR :go away\r\n")


def nonsense(server: Hostile, stream: socket.socket) -> None:
    stream.sendall(bytes(range(256)) * 8 + b"\r\n \r\n:\r\n@\r\n: :\r\n303\r\n330 a\r\n" + GREETING)
    server.is_over.wait(30)


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
