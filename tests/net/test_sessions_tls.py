# SPDX-License-Identifier: Apache-2.0
"""STARTTLS through the real pump: a real handshake over a real socket, for both event loops."""

import asyncio
import io
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import trustme
import uvloop

from eepost.mail.reply import Reply
from eepost.net.listeners import Endpoint, bound_endpoint, listen
from eepost.net.peers import Resolver, resolve
from eepost.net.sessions import Bounds, Hall
from eepost.observe.journal import Journal
from eepost.wire.smtp.events import Event, Introduced, Secured
from eepost.wire.smtp.limits import SmtpLimits
from eepost.wire.smtp.server import SmtpServer
from eepost.wire.smtp.service import exchanger
from tests.engines.smtp.owner import ACCEPTED, GREETING, FakeOwner

NAME = "mx.example.org"


class Owner:
    """Answers as a fake owner does, for the pump."""

    def __init__(self) -> None:
        self.engine = SmtpServer(SmtpLimits(), NAME, exchanger("Help", offers_tls=True))
        self.fake = FakeOwner()
        self.fake.answers["MailGiven"] = ACCEPTED

    def respond(self, event: Event) -> tuple[Reply, ...]:
        reply = self.fake.respond(event)
        return () if reply is None else (reply,)

    def fault(self, _event: Event) -> tuple[Reply, ...]:
        raise AssertionError

    def expire(self, *, is_shutdown: bool) -> None:
        del is_shutdown
        self.engine.expire(Reply(421, "4.3.2", "Bye"))

    @property
    def is_idle(self) -> bool:
        return self.engine.is_idle

    is_known = True

    def close(self) -> None:
        pass


Play = Callable[["Stage"], Awaitable[None]]


class Stage:
    """A listening hall and a peer of it."""

    def __init__(self) -> None:
        self.authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(NAME).configure_cert(context)
        self.owners: list[Owner] = []
        self.hall = Hall(
            bounds=Bounds(9, 9, 60.0, 600.0, 30.0),
            journal=Journal(io.StringIO()),
            loop=asyncio.get_running_loop(),
            make_owner=self._make,
            resolve=lambda peername: resolve(peername, Resolver.NETWORK),
            bucket_key=b"k" * 32,
            tls=context,
        )

    def _make(self, *_: Any) -> Owner:
        self.owners.append(Owner())
        return self.owners[-1]

    async def __aenter__(self) -> "Stage":
        self.server = await listen(Endpoint("127.0.0.1", 0), self.hall.session)
        port = bound_endpoint(self.server).port
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        assert await self.reader.readline() == GREETING.octets
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(AttributeError):  # Python 3.11.2 can't abort TLS that has ended already
            self.writer.transport.abort()
        self.server.close()
        await self.hall.stop(0.2)
        assert not self.hall.sessions

    async def ask(self, line: bytes) -> bytes:
        self.writer.write(line + b"\r\n")
        answer = b""
        while answer[-2:] != b"\r\n" or answer.split(b"\r\n")[-2][3:4] == b"-":
            more = await asyncio.wait_for(self.reader.readline(), 5)
            if not more:
                break
            answer += more
        return answer

    async def emptied(self) -> None:
        while self.hall.sessions:  # noqa: ASYNC110 - nothing tells when the last one leaves
            await asyncio.sleep(0)

    async def secure(self) -> None:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        await self.writer.start_tls(context, server_hostname=NAME, ssl_handshake_timeout=5)


async def _mail_under_tls(stage: Stage) -> None:
    assert b"STARTTLS" in await stage.ask(b"EHLO one.example")
    assert (await stage.ask(b"STARTTLS")).startswith(b"220")
    await stage.secure()
    assert b"STARTTLS" not in await stage.ask(b"EHLO two.example")
    assert (await stage.ask(b"MAIL FROM:<a@peer.example>")).startswith(b"250")
    assert (await stage.ask(b"RCPT TO:<bob@example.org>")).startswith(b"250")
    assert (await stage.ask(b"DATA")).startswith(b"354")
    # Larger than what a record or a read takes.
    assert (await stage.ask(b"x" * 70 + b"\r\n" + (b"y" * 900 + b"\r\n") * 300 + b".")) == (
        ACCEPTED.octets
    )
    fake = stage.owners[0].fake
    assert len(fake.delivered[0].content) == 72 + 902 * 300
    told = [event for event in fake.events if isinstance(event, Introduced | Secured)]
    assert told == [Introduced("one.example"), Secured(), Introduced("two.example")]
    assert (await stage.ask(b"QUIT")).startswith(b"221")
    assert stage.hall.counts.secured == 1


async def _injected(stage: Stage) -> None:
    await stage.ask(b"EHLO one.example")
    answer = await stage.ask(b"STARTTLS\r\nMAIL FROM:<mallory@peer.example>")
    answer += await stage.reader.read()
    assert answer.startswith(b"220")
    assert b"421 4.7.0" in answer
    assert not stage.owners[0].fake.open


async def _no_handshake(stage: Stage) -> None:
    await stage.ask(b"EHLO one.example")
    await stage.ask(b"STARTTLS")
    stage.writer.write(b"MAIL FROM:<mallory@peer.example>\r\n" * 4)
    await stage.reader.read()  # what TLS says of it, then the end
    assert not stage.owners[0].fake.open
    await stage.emptied()
    assert stage.hall.counts.not_secured == 1
    assert stage.hall.counts.faults == 0


async def _gone(stage: Stage) -> None:
    await stage.ask(b"EHLO one.example")
    await stage.ask(b"STARTTLS")
    stage.writer.transport.abort()
    await stage.emptied()
    assert stage.hall.counts.faults == 0


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("play", [_mail_under_tls, _injected, _no_handshake, _gone])
def test_starttls(play: Play, make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def run() -> None:
        async with asyncio.timeout(4), Stage() as stage:
            await play(stage)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(run())
