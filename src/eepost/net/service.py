# SPDX-License-Identifier: Apache-2.0
"""A mail service as a letterbox reaches it: the client engines over a way to it, in bounded time.

Satisfies `eepost.letters.service.Service`. Trust: whatever is at the far end of the way.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Final, Generic, Protocol, TypeVar

from eepost.letters.service import (
    Fate,
    Letter,
    Listed,
    NotServed,
    Outcome,
    Verdict,
)
from eepost.mail.violation import Misuse, PeerViolation
from eepost.net.connect import Connection, Connector, Unreachable
from eepost.wire.fetch import events as fetched
from eepost.wire.fetch.client import Pop3Client
from eepost.wire.fetch.limits import FetchLimits
from eepost.wire.signals import Signal
from eepost.wire.submit import events as submitted
from eepost.wire.submit.client import SmtpClient
from eepost.wire.submit.letter import Envelope
from eepost.wire.submit.replies import FarReply

READ_OCTETS: Final = 65_536
# How long the tunnel's port may take for the last words; nobody waits for them.
GOODBYE_SECONDS: Final = 5.0
# Refusals of who hands in, not of what (RFC 4954 6): a letter must not end by them, since a
# setting at the service or here makes it go.
_OF_THE_LOGIN: Final = frozenset((530, 534, 535, 538))
NO_WAY: Final = "The service can't be reached right now"
BROKEN: Final = "The connection to the service broke"
SILENT: Final = "The service was silent for too long"
VIOLATED: Final = "What the service says can't be understood"
NOT_FOR_POP3: Final = "POP3 can't carry this name or password"


@dataclass(frozen=True, slots=True)
class Times:
    """How long the service may take, in seconds; a round trip over I2P takes some of them."""

    # RFC 5321 4.5.3.2 asks for five minutes at most commands; a router that lost its tunnels
    # is back in two.
    silence: float = 180.0
    # RFC 5321 4.5.3.2.6: giving up on the answer to a message earlier makes duplicates.
    message: float = 600.0
    # A service that sends an octet a minute for ever must not keep a letterbox busy for ever.
    session: float = 14_400.0


E_co = TypeVar("E_co", covariant=True)
Ev = TypeVar("Ev")


class Engine(Protocol[E_co]):
    """What both engines have in common."""

    def receive(self, octets: bytes) -> None:
        """Take what came."""

    def next_event(self) -> E_co | Signal:
        """Return what has happened."""

    def outgoing(self) -> bytes:
        """Return what is to be sent."""


class _Pump(Generic[Ev]):
    """Carries octets between a stream and an engine. Raises NotServed where that ends early."""

    def __init__(self, connection: Connection, engine: Engine[Ev], times: Times) -> None:
        self._connection = connection
        self._engine = engine
        self._times = times
        self._deadline = asyncio.get_running_loop().time() + times.session

    async def event(self, within_seconds: float | None = None) -> Ev:
        """Return the next event."""
        while True:
            try:
                event = self._engine.next_event()
            except PeerViolation:
                raise NotServed(Verdict.VIOLATION, VIOLATED) from None
            if event is Signal.CLOSED:
                raise NotServed(Verdict.UNREACHABLE, BROKEN)
            if not isinstance(event, Signal):
                return event
            await self.flush()
            octets = await self._bounded(
                self._connection.reader.read(READ_OCTETS), within_seconds or self._times.silence
            )
            if not octets:
                raise NotServed(Verdict.UNREACHABLE, BROKEN)
            self._engine.receive(octets)

    async def flush(self) -> None:
        """Send what waits."""
        octets = memoryview(self._engine.outgoing())
        while octets:  # in pieces: what moves is not silent, however slow the way is
            self._connection.writer.write(octets[:READ_OCTETS])
            octets = octets[READ_OCTETS:]
            await self._bounded(self._connection.writer.drain(), self._times.silence)

    async def _bounded(self, work: "Awaitable[Ev2]", seconds: float) -> "Ev2":
        left = self._deadline - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(min(seconds, left)):
                return await work
        except TimeoutError:
            raise NotServed(Verdict.UNREACHABLE, SILENT) from None
        except OSError:
            raise NotServed(Verdict.UNREACHABLE, BROKEN) from None


Ev2 = TypeVar("Ev2")


@dataclass(frozen=True, slots=True)
class FarService:
    """A service, by a way to its SMTP and one to its POP3."""

    smtp: Connector
    pop3: Connector
    limits: FetchLimits = field(default_factory=FetchLimits)
    times: Times = field(default_factory=Times)

    async def confirm(self, login: str, password: str) -> Verdict:
        """Ask whether this is an account's password."""
        try:
            async with self.maildrop(login, password, lambda _: None):
                return Verdict.CONFIRMED
        except NotServed as reason:
            return reason.verdict

    @asynccontextmanager
    async def submission(self, login: str, password: str) -> AsyncIterator["_Submission"]:
        """Begin to hand letters over. Raises NotServed."""
        async with _connected(self.smtp) as connection:
            client = SmtpClient(login, password)
            pump: _Pump[submitted.Event] = _Pump(connection, client, self.times)
            first = await pump.event()
            if isinstance(first, submitted.TurnedAway):
                raise NotServed(_smtp_verdict(first), first.reply.words)
            self.smtp.served(connection.peer)
            yield _Submission(client, pump, self.times)
            if client.is_ready:
                client.quit()
                await pump.flush()

    @asynccontextmanager
    async def maildrop(
        self, login: str, password: str, came: Callable[[int], None]
    ) -> AsyncIterator["_Maildrop"]:
        """Begin to fetch. Raises NotServed."""
        try:
            client = Pop3Client(login, password, self.limits)
        except Misuse:
            raise NotServed(Verdict.DENIED, NOT_FOR_POP3) from None
        async with _connected(self.pop3) as connection:
            pump: _Pump[fetched.Event] = _Pump(connection, client, self.times)
            first = await pump.event()
            if isinstance(first, fetched.TurnedAway):
                raise NotServed(_pop3_verdict(first), first.words)
            assert isinstance(first, fetched.Listed)  # noqa: S101 - the engine's order
            self.pop3.served(connection.peer)
            maildrop = _Maildrop(client, pump, came, self.limits)
            await maildrop.take(first.entries)
            yield maildrop


@asynccontextmanager
async def _connected(connector: Connector) -> AsyncIterator[Connection]:
    try:
        connection = await connector.greeted()
    except Unreachable:
        raise NotServed(Verdict.UNREACHABLE, NO_WAY) from None
    try:
        yield connection
        # Closed, not aborted: QUIT may still be on its way to the tunnel's port.
        connection.writer.close()
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(connection.writer.wait_closed(), GOODBYE_SECONDS)
    finally:
        connection.writer.transport.abort()  # nothing where it is closed already


def _smtp_verdict(away: submitted.TurnedAway) -> Verdict:
    is_denied = away.stage is submitted.Stage.LOGIN and away.reply.is_final
    return Verdict.DENIED if is_denied else Verdict.UNREACHABLE


def _pop3_verdict(away: fetched.TurnedAway) -> Verdict:
    is_denied = away.stage is fetched.Stage.LOGIN and not away.is_temporary
    return Verdict.DENIED if is_denied else Verdict.UNREACHABLE


class _Submission:
    """Satisfies `letters.service.Submission`."""

    def __init__(self, client: SmtpClient, pump: _Pump[submitted.Event], times: Times) -> None:
        self._client = client
        self._pump = pump
        self._times = times

    async def carry(self, letter: Letter) -> Sequence[Outcome]:
        """Return an outcome for each recipient, in their order. Raises NotServed."""
        if not self._client.is_ready:
            raise NotServed(Verdict.UNREACHABLE, BROKEN)
        envelope = Envelope(letter.reverse_path, tuple(letter.recipients), letter.content)
        self._client.submit(envelope)
        answered = await self._pump.event(self._times.message)
        assert isinstance(answered, submitted.Answered)  # noqa: S101 - the engine's order
        return [_outcome(reply) for reply in answered.replies]


def _outcome(reply: FarReply) -> Outcome:
    if reply.is_positive:
        return Outcome(Fate.TAKEN, reply.words)
    is_final = reply.is_final and reply.code not in _OF_THE_LOGIN
    return Outcome(Fate.REFUSED if is_final else Fate.PUT_OFF, reply.words)


class _Maildrop:
    """Satisfies `letters.service.Maildrop`."""

    def __init__(
        self,
        client: Pop3Client,
        pump: _Pump[fetched.Event],
        came: Callable[[int], None],
        limits: FetchLimits,
    ) -> None:
        self._client = client
        self._pump = pump
        self._came = came
        self._limits = limits
        self.listing: Sequence[Listed] = ()

    async def take(self, entries: Sequence[fetched.Entry]) -> None:
        """Take the listing; where it names no unique-ids, find out what to know mail by."""
        entries = [each for each in entries if each.unique_id] or await self._identified(entries)
        self.listing = [Listed(each.number, each.unique_id, each.size_octets) for each in entries]

    async def _identified(self, entries: Sequence[fetched.Entry]) -> list[fetched.Entry]:
        """Return entries known by a hash of their headers: the service has no UIDL."""
        for each in entries:
            self._client.look(each.number)
        found: dict[str, fetched.Entry] = {}
        for each in entries:
            header = await self._message()
            if header is None:
                raise NotServed(Verdict.UNREACHABLE, "The service can't tell its messages apart")
            name = hashlib.blake2b(header, digest_size=16, person=b"eepost unique id").hexdigest()
            found.setdefault(name, replace(each, unique_id=name))
        return list(found.values())

    async def fetch(self, wanted: Sequence[Listed]) -> AsyncIterator[bytes | None]:
        """Give the messages in the order of `wanted`. Raises NotServed."""
        for each in wanted:
            if each.size_octets <= self._limits.message_octets:
                self._client.retrieve(each.number)
        for each in wanted:
            is_asked = each.size_octets <= self._limits.message_octets
            yield await self._message() if is_asked else None

    async def _message(self) -> bytes | None:
        content = bytearray()
        while True:
            match await self._pump.event():
                case fetched.Content(octets):
                    content += octets
                    self._came(len(octets))
                case fetched.Complete():
                    return bytes(content)
                case _:
                    return None

    async def delete(self, gone: Sequence[Listed]) -> Sequence[Listed]:
        """Let messages be deleted when the session ends in order; return those that will be.

        Raises NotServed.
        """
        for each in gone:
            self._client.delete(each.number)
        answers = [await self._pump.event() for _ in gone]
        answered = zip(gone, answers, strict=True)
        return [each for each, answer in answered if isinstance(answer, fetched.Deleted)]

    async def end(self) -> None:
        """End the session in order. Raises NotServed."""
        self._client.quit()
        ended = await self._pump.event()
        assert isinstance(ended, fetched.Ended)  # noqa: S101 - the engine's order
        if not ended.is_done:
            raise NotServed(Verdict.UNREACHABLE, "The service could not delete all that it should")
