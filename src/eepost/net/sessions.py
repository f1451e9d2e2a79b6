# SPDX-License-Identifier: Apache-2.0
"""Carries octets between a stream and an engine, and the engine's events to their owner.

Trust: anybody who can reach the port opens a session; what came from the stream goes to the engine
and nowhere else.

A fault in one session never reaches another: whatever an owner raises becomes its own temporary
reply, and the session goes on.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, cast

from eepost.mail.violation import Misuse, PeerViolation
from eepost.net.peers import Peer
from eepost.observe.journal import Journal
from eepost.wire.signals import Signal

# The most that is taken from a stream at once. What comes before anybody has logged in is bounded
# by this and the next three: thousands of strangers may each send it.
READ_OCTETS = 65_536
# Octets that may wait unread in an engine while its owner decides.
MAX_WAITING_OCTETS = 65_536
# How much output may wait before the owner is held back, and when it goes on.
HIGH_WATER_OCTETS = 65_536
LOW_WATER_OCTETS = 16_384
# What all sessions of a listener together may hold of input and output that waits. A thousand slow
# readers need half of it; above it somebody wants to exhaust the memory.
MAX_HELD_OCTETS = 134_217_728
# How long a stop waits for sessions that it has cut off.
CUT_SECONDS = 5.0
# How long a peer may take for a handshake; a slow one needs some seconds.
HANDSHAKE_SECONDS = 60.0
# How long it may take to say good-bye under TLS; what was said before is not lost without that.
TLS_GOODBYE_SECONDS = 5.0


class Engine(Protocol):
    """What the two engines have in common. Events and decisions are the engine's own."""

    def receive(self, octets: bytes) -> None:
        """Take what came."""

    def receive_eof(self) -> None:
        """Take that nothing more comes."""

    def next_event(self) -> Any:
        """Return an event for the owner, or a Signal."""

    def decide(self, decision: Any, /) -> None:
        """Take the owner's answer to the last event."""

    def outgoing(self) -> bytes:
        """Return what has to be sent now."""


class SecurableEngine(Engine, Protocol):
    """An engine that can give START_TLS."""

    def secured(self) -> None:
        """Take that TLS stands."""


Decisions = tuple[Any, ...]
Answer = Decisions | Coroutine[Any, Any, Decisions] | AsyncIterator[Any]


class Owner(Protocol):
    """Decides what an engine asks; one for each session."""

    @property
    def engine(self) -> Engine:
        """The protocol's side of the session."""

    def respond(self, event: Any) -> Answer:
        """Return the decisions on `event`: at once, later, or one after the other as they are made.

        An event that is only told is answered by an empty tuple.
        """

    def fault(self, event: Any) -> tuple[Any, ...]:
        """Return the decisions where respond() failed: a temporary refusal in public words."""

    def expire(self, *, is_shutdown: bool) -> None:
        """Tell the engine that the session ends now: the service stops, or the peer was silent."""

    @property
    def is_idle(self) -> bool:
        """Nothing is open that a stop would cut off."""

    @property
    def is_known(self) -> bool:
        """The peer has logged in; strangers are given less time and are the first to be cut off."""

    def close(self) -> None:
        """The session is over; let go of what it held."""


@dataclass(slots=True)
class Bounds:
    """What one listener allows; every bound with its reason stands in the configuration."""

    connections: int
    connections_per_peer: int
    idle_seconds: float
    session_seconds: float
    login_seconds: float


@dataclass(slots=True)
class Counts:
    """What a listener has seen; numbers only."""

    opened: int = 0
    turned_away: int = 0
    expired: int = 0
    cut_off: int = 0
    violations: int = 0
    secured: int = 0
    not_secured: int = 0  # TLS was begun and failed
    faults: int = 0
    octets_in: int = 0
    octets_out: int = 0


@dataclass(slots=True, eq=False)
class Hall:
    """All sessions of one listener: their bounds, their counts, their end."""

    bounds: Bounds
    journal: Journal
    loop: asyncio.AbstractEventLoop
    # Takes the peer's bucket, whether it is welcome, and its address as asyncio gives it.
    make_owner: Callable[[bytes | None, bool, Any], Owner]
    resolve: Callable[[Any], Peer]
    bucket_key: bytes
    tls: ssl.SSLContext | None = None  # needed where the engine offers STARTTLS
    counts: Counts = field(default_factory=Counts)
    sessions: set["Session"] = field(default_factory=set)
    # One for all: what was read is copied before the loop reads from another stream.
    buffer: bytearray = field(default_factory=lambda: bytearray(READ_OCTETS))
    _by_peer: dict[bytes, int] = field(default_factory=dict)
    _is_closing: bool = False

    def session(self) -> "Session":
        """Return the protocol object for a new connection."""
        return Session(self)

    def bucket(self, peername: Any) -> bytes | None:
        """Return what limits count the peer under, None where it is not known."""
        return self.resolve(peername).bucket(self.bucket_key)

    def admit(self, bucket: bytes | None) -> bool:
        """Count a new session in and say whether it is welcome."""
        self.counts.opened += 1
        known = self._by_peer.get(bucket, 0) if bucket else 0
        if bucket:
            self._by_peer[bucket] = known + 1
        welcome = (
            not self._is_closing
            and len(self.sessions) < self.bounds.connections
            and known < self.bounds.connections_per_peer
        )
        self.counts.turned_away += not welcome
        return welcome

    def leave(self, session: "Session", bucket: bytes | None) -> None:
        """Count a session out."""
        self.sessions.discard(session)
        if bucket:
            left = self._by_peer[bucket] - 1
            if left:
                self._by_peer[bucket] = left
            else:
                del self._by_peer[bucket]

    def sweep(self) -> None:
        """End the sessions that were silent for too long; called every few seconds.

        One sweep for all costs less than a timer for each session and each octet.
        """
        now = self.loop.time()
        for session in tuple(self.sessions):
            session.expire_if_due(now, self.bounds)
        self._relieve()

    def _relieve(self) -> None:
        """Cut off strangers, then others, those that hold most first, while too much is held."""
        holding = [(each.is_known, -each.held_octets, each) for each in self.sessions]
        held = -sum(negative for _, negative, _ in holding)
        if held <= MAX_HELD_OCTETS:
            return
        for _, negative, session in sorted(holding, key=lambda each: each[:2]):
            session.abort()
            self.counts.cut_off += 1
            held += negative
            if held <= MAX_HELD_OCTETS:
                break

    async def stop(self, grace_seconds: float) -> None:
        """End idle sessions now, let the others finish what is open, then end them too.

        Returns in any case: what does not even end when it is cut off must not keep the store from
        being closed in order.
        """
        self._is_closing = True
        deadline = self.loop.time() + grace_seconds
        while self.sessions and self.loop.time() < deadline + CUT_SECONDS:
            is_late = self.loop.time() >= deadline
            for session in tuple(self.sessions):
                if is_late:
                    session.abort()
                else:
                    session.finish()
            await asyncio.sleep(0.02)


class Session(asyncio.BufferedProtocol):
    """One connection: the pump between its stream and its engine."""

    __slots__ = (
        "_bucket",
        "_early",
        "_engine",
        "_flowing",
        "_hall",
        "_has_eof",
        "_is_cut",
        "_is_lost",
        "_is_secured",
        "_opened",
        "_owner",
        "_seen",
        "_task",
        "_transport",
        "_unread",
    )

    _engine: Engine
    _owner: Owner
    _bucket: bytes | None
    _transport: asyncio.Transport

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._task: asyncio.Task[Any] | None = None
        self._flowing: asyncio.Future[None] | None = None
        self._unread = 0
        # What came under TLS before the loop has told that it stands.
        self._early: bytearray | None = None
        self._has_eof = self._is_cut = self._is_lost = self._is_secured = False
        self._opened = self._seen = 0.0

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or turn away."""
        hall = self._hall
        # Not isinstance: uvloop's transports don't derive from asyncio's.
        self._transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(HIGH_WATER_OCTETS, LOW_WATER_OCTETS)
        peername = transport.get_extra_info("peername")
        self._bucket = hall.bucket(peername)
        self._opened = self._seen = hall.loop.time()
        self._owner = hall.make_owner(self._bucket, hall.admit(self._bucket), peername)
        self._engine = self._owner.engine
        hall.sessions.add(self)
        self._advance()

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Return where the loop may put what it reads.

        A view: asyncio's TLS reads on behind what it has read, into a slice of this, and a slice
        of anything else would be a copy that nobody sees.
        """
        return memoryview(self._hall.buffer)

    def buffer_updated(self, count: int) -> None:
        """Take what the loop has read."""
        self.receive(bytes(memoryview(self._hall.buffer)[:count]))

    def receive(self, octets: bytes) -> None:
        """Hand on what came; while it can't be used, only so much of it is kept."""
        self._seen = self._hall.loop.time()
        self._hall.counts.octets_in += len(octets)
        if self._early is not None:
            self._early += octets
            return
        self._engine.receive(octets)
        if self._task is None and self._flowing is None:
            self._advance()
            return
        # The owner decides, or the peer sends without reading what it is told.
        self._unread += len(octets)
        if self._unread > MAX_WAITING_OCTETS:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Let the engine finish what it has; the answer True keeps our half open until then.

        TLS knows no half-open stream.
        """
        self._has_eof = True
        if self._early is not None:
            return False
        self._engine.receive_eof()
        if self._task is None:
            self._advance()
        return not self._transport.is_closing() and not self._is_secured

    def connection_lost(self, exc: Exception | None) -> None:
        """The stream is gone: nothing more can be sent, what is complete is still finished."""
        self._is_lost = True
        if self._flowing is not None:
            # It did not read what it was told, so a DELE and QUIT that came behind its RETR must
            # not delete a message that never got out.
            self._is_cut = True
        self._resume()
        if self._early is not None:
            self._has_eof = True
            return  # whoever waits for TLS will notice
        if not self._has_eof:
            self._has_eof = True
            self._engine.receive_eof()
        if self._task is None:
            self._advance()
        self._leave_when_done()

    def pause_writing(self) -> None:
        """Hold the owner back: the peer reads slowly."""
        self._flowing = self._hall.loop.create_future()

    def resume_writing(self) -> None:
        """Let the owner go on."""
        self._seen = self._hall.loop.time()
        self._resume()
        if self._task is None:
            self._advance()
            self._leave_when_done()

    def _resume(self) -> None:
        flowing, self._flowing = self._flowing, None
        if flowing is not None and not flowing.done():
            flowing.set_result(None)

    # What the hall calls.

    @property
    def is_known(self) -> bool:
        """The peer has logged in."""
        return self._owner.is_known

    @property
    def held_octets(self) -> int:
        """What waits: input for the owner's decisions, output for the peer to read it."""
        return self._unread + self._transport.get_write_buffer_size()

    def expire_if_due(self, now: float, bounds: Bounds) -> None:
        """End the session if it was silent, lasted too long, or did not log in."""
        if self._task is not None and self._flowing is None:
            return  # the silence is ours
        longest = bounds.session_seconds if self.is_known else bounds.login_seconds
        if now - self._seen > bounds.idle_seconds or now - self._opened > longest:
            self._hall.counts.expired += 1
            self._expire(is_shutdown=False)

    def finish(self) -> None:
        """End the session if nothing is open in it."""
        if self._task is None and self._owner.is_idle:
            self._expire(is_shutdown=True)

    def abort(self) -> None:
        """End the session whatever it does; an event that waits is never decided."""
        self._is_cut = True
        if self._task is not None:
            self._task.cancel()
        with suppress(AttributeError):  # Python 3.11.2 and TLS that has ended already
            self._transport.abort()
        self._leave_when_done()

    def _expire(self, *, is_shutdown: bool) -> None:
        if self._flowing is not None or self._transport.is_closing():
            self.abort()  # the peer reads nothing, so there is nobody to tell
            return
        self._owner.expire(is_shutdown=is_shutdown)
        self._advance()

    # The pump.

    def _advance(self) -> None:
        """Serve events until the peer, the stream or the owner has to do something."""
        try:
            while self._flowing is None and not self._is_cut:
                event = self._engine.next_event()
                if event is Signal.NEED_DATA:
                    if self._flush():
                        continue  # it may have waited for room only
                    self._read_on()
                    return
                if event is Signal.CLOSED:
                    self._flush()
                    self._transport.close()
                    return
                if event is Signal.START_TLS:
                    self._begin_tls()
                    return
                if not self._answer(event):
                    return
            self._flush()
        except PeerViolation:
            self._hall.counts.violations += 1
            self._flush()
            self._transport.close()
        except Exception as error:
            self._break_off(error)

    def _begin_tls(self) -> None:
        # What is still in the kernel must not come up as plain text after this.
        self._transport.pause_reading()
        self._flush()
        self._early = bytearray()
        self._task = self._hall.loop.create_task(self._shake_hands())
        self._task.add_done_callback(self._conclude_tls)

    async def _shake_hands(self) -> asyncio.Transport:
        if self._hall.tls is None:
            raise Misuse("an engine offers TLS where there is none")
        secured = await self._hall.loop.start_tls(
            self._transport,
            self,
            self._hall.tls,
            server_side=True,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=TLS_GOODBYE_SECONDS,
        )
        return cast(asyncio.Transport, secured)

    def _conclude_tls(self, task: "asyncio.Task[asyncio.Transport]") -> None:
        """Go on under TLS, or end the session: whoever fails at it is told nothing in the clear."""
        early, self._early, self._task = self._early, None, None
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            self._go_on_secured(task.result(), bytes(early or b""))
            return
        self._hall.counts.not_secured += 1
        if isinstance(error, Exception) and not isinstance(error, OSError | EOFError):
            self._note(error)
        self._has_eof = False
        self._transport.abort()
        self.connection_lost(None)  # the loop tells TLS alone that a handshake ended so

    def _go_on_secured(self, transport: asyncio.Transport, early: bytes) -> None:
        self._hall.counts.secured += 1
        self._transport = transport
        transport.set_write_buffer_limits(HIGH_WATER_OCTETS, LOW_WATER_OCTETS)
        self._is_secured = True
        self._seen = self._hall.loop.time()
        cast(SecurableEngine, self._engine).secured()
        if early:
            self._engine.receive(early)
        if self._has_eof:
            self._engine.receive_eof()
        self._advance()
        self._leave_when_done()

    def _break_off(self, error: Exception) -> None:
        """End a session that can't go on, so that the fault stays its own."""
        self._note(error)
        self.abort()

    def _read_on(self) -> None:
        """All that came was used: only now may more come, however small the steps were."""
        if self._has_eof:
            self._transport.close()
        elif self._unread > MAX_WAITING_OCTETS and not self._transport.is_closing():
            self._transport.resume_reading()
        self._unread = 0

    def _answer(self, event: Any) -> bool:
        """Let the owner decide; False where that takes time."""
        try:
            answer = self._owner.respond(event)
        except Exception as error:
            answer = self._fault(event, error)
        if isinstance(answer, tuple):
            for decision in answer:
                self._engine.decide(decision)
            return True
        self._flush()
        coroutine = answer if isinstance(answer, Coroutine) else self._parts(answer)
        self._task = self._hall.loop.create_task(coroutine)
        self._task.add_done_callback(partial(self._conclude, event))
        return False

    async def _parts(self, answer: AsyncIterator[Any]) -> Decisions:
        """Act on decisions as they are made; none is left then."""
        async for decision in answer:
            self._engine.decide(decision)
            self._flush()
            if self._flowing is not None:
                await self._flowing
        return ()

    def _conclude(self, event: Any, task: "asyncio.Task[Decisions]") -> None:
        """Act on what a task came to, and go on."""
        self._task = None
        if not task.cancelled():
            try:
                for decision in task.result():
                    self._engine.decide(decision)
            except Exception as error:
                self._decline(event, error)
            self._seen = self._hall.loop.time()
            self._advance()
        self._leave_when_done()

    def _decline(self, event: Any, error: Exception) -> None:
        try:
            for decision in self._fault(event, error):
                self._engine.decide(decision)
        except Exception as another:
            # Decided already, perhaps: then there is nothing left that could be said.
            self._break_off(another)

    def _leave_when_done(self) -> None:
        if self._is_lost and self._task is None and self in self._hall.sessions:
            self._hall.leave(self, self._bucket)
            self._owner.close()

    def _fault(self, event: Any, error: Exception) -> tuple[Any, ...]:
        self._note(error)
        return self._owner.fault(event)

    def _note(self, error: Exception) -> None:
        self._hall.counts.faults += 1
        self._hall.journal.fault("session", error)

    def _flush(self) -> bool:
        """Send what waits, and say whether there was anything."""
        octets = self._engine.outgoing()
        if octets and not self._transport.is_closing():
            self._hall.counts.octets_out += len(octets)
            self._transport.write(octets)
        return bool(octets)
