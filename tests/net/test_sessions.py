# SPDX-License-Identifier: Apache-2.0
"""The pump, with an engine, an owner and a transport that are made up."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from eepost.mail.violation import PeerViolation
from eepost.net.peers import UNKNOWN, Peer, PeerKind
from eepost.net.sessions import MAX_HELD_OCTETS, Bounds, Hall, Session
from eepost.observe.journal import Journal
from eepost.wire.signals import Signal

NAMED = Peer(PeerKind.MAPPED_24, b"abc")


class Echo:
    """An engine: each octet is an event, each decision is octets to send; "q" closes."""

    def __init__(self) -> None:
        self.came = bytearray()
        self.going = bytearray()
        self.has_eof = self.is_asked = self.is_closed = False
        self.expired: list[bool] = []

    def receive(self, octets: bytes) -> None:
        self.came += octets

    def receive_eof(self) -> None:
        self.has_eof = True

    def next_event(self) -> Any:
        assert not self.is_asked, "an event waits for its decision"
        if self.is_closed:
            return Signal.CLOSED
        if not self.came:
            return Signal.NEED_DATA
        event = bytes(self.came[:1])
        del self.came[:1]
        if event == b"q":
            self.is_closed = True
            return Signal.CLOSED
        if event == b"v":
            raise PeerViolation
        self.is_asked = True
        return event

    def decide(self, decision: bytes) -> None:
        self.is_asked = False
        self.going += decision

    def outgoing(self) -> bytes:
        octets = bytes(self.going)
        self.going.clear()
        return octets


class Owner:
    """Repeats an event; "w" waits for `gate`, "x" fails at once, "y" fails later.

    "p" waits and is answered in two parts, "r" fails after the first of them.
    """

    def __init__(self) -> None:
        self.engine = Echo()
        self.gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_idle = self.is_known = True
        self.is_closed = False

    def respond(
        self, event: bytes
    ) -> tuple[bytes, ...] | Coroutine[Any, Any, tuple[bytes, ...]] | AsyncIterator[bytes]:
        if event == b"x":
            raise RuntimeError("secret words")
        if event in b"pr":
            return self._in_parts(event)
        return self._later(event) if event in b"wy" else (event,)

    async def _later(self, event: bytes) -> tuple[bytes, ...]:
        await self.gate
        if event == b"y":
            raise RuntimeError("secret words")
        return (event,)

    async def _in_parts(self, event: bytes) -> AsyncIterator[bytes]:
        yield event
        await self.gate
        if event == b"r":
            raise RuntimeError("secret words")
        yield event

    def fault(self, _event: bytes) -> tuple[bytes, ...]:
        return (b"!",)

    def expire(self, *, is_shutdown: bool) -> None:
        self.engine.expired.append(is_shutdown)
        self.engine.going += b"bye"
        self.engine.is_closed = True

    def close(self) -> None:
        self.is_closed = True


class Transport(asyncio.Transport):
    """Takes what is written."""

    def __init__(self, peername: tuple[str, int]) -> None:
        super().__init__({"peername": peername})
        self.written = b""
        self.unsent_octets = 0
        self.closing = self.aborted = self.is_reading_paused = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high is not None
        assert low is not None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def get_write_buffer_size(self) -> int:
        return self.unsent_octets

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def pause_reading(self) -> None:
        self.is_reading_paused = True

    def resume_reading(self) -> None:
        self.is_reading_paused = False


def broken(*_: object) -> Any:
    raise RuntimeError("secret words")


class Stage:
    """A hall with its journal, and sessions opened in it."""

    def __init__(self, connections: int = 10, connections_per_peer: int = 2) -> None:
        self.log = io.StringIO()
        self.owners: list[Owner] = []
        self.welcomes: list[bool] = []
        self.hall = Hall(
            bounds=Bounds(connections, connections_per_peer, 60.0, 600.0, 30.0),
            journal=Journal(self.log),
            loop=asyncio.get_running_loop(),
            make_owner=self._owner,
            resolve=lambda peername: NAMED if peername[0] == "127.9.9.9" else UNKNOWN,
            bucket_key=b"k" * 32,
        )

    def _owner(self, _bucket: bytes | None, is_welcome: bool, _peername: object) -> Owner:
        self.welcomes.append(is_welcome)
        self.owners.append(Owner())
        return self.owners[-1]

    def open(self, host: str = "127.0.0.1") -> tuple[Session, Transport, Owner]:
        session = self.hall.session()
        transport = Transport((host, 1))
        session.connection_made(transport)
        return session, transport, self.owners[-1]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_burst_is_answered_in_order_by_one_write() -> None:
    session, transport, _ = Stage().open()
    session.receive(b"abc")
    assert transport.written == b"abc"


async def test_events_after_one_that_waits_wait_too() -> None:
    session, transport, owner = Stage().open()
    session.receive(b"awb")
    assert transport.written == b"a"
    owner.gate.set_result(None)
    await settle()
    assert transport.written == b"awb"


async def test_parts_of_an_answer_are_sent_as_they_are_made() -> None:
    session, transport, owner = Stage().open()
    session.receive(b"aprb")
    await settle()
    assert transport.written == b"ap"
    owner.gate.set_result(None)
    await settle()
    assert transport.written == b"appr!b"


async def test_parts_wait_for_a_peer_that_reads_slowly() -> None:
    session, transport, owner = Stage().open()
    owner.gate.set_result(None)
    session.receive(b"p")
    session.pause_writing()
    await settle()
    assert transport.written == b"p"
    session.resume_writing()
    await settle()
    assert transport.written == b"pp"


async def test_fault_of_the_owner_is_answered_and_the_session_goes_on() -> None:
    stage = Stage()
    session, transport, owner = stage.open()
    owner.gate.set_result(None)
    session.receive(b"axyb")
    await settle()
    assert transport.written == b"a!!b"
    assert stage.hall.counts.faults == 2


async def test_fault_is_logged_with_its_origin_and_without_its_words() -> None:
    stage = Stage()
    session, _, _ = stage.open()
    session.receive(b"x")
    line = json.loads(stage.log.getvalue())
    assert line["type"] == "RuntimeError"
    assert any("respond" in frame for frame in line["origin"])
    assert "secret words" not in stage.log.getvalue()


async def test_loop_reads_into_one_buffer_for_all_sessions() -> None:
    stage = Stage()
    first, first_transport, _ = stage.open()
    second, second_transport, _ = stage.open()
    for session, octets in ((first, b"abc"), (second, b"de")):
        session.get_buffer(-1)[: len(octets)] = octets
        session.buffer_updated(len(octets))
    assert first_transport.written == b"abc"
    assert second_transport.written == b"de"


@pytest.mark.parametrize("event", [b"x", b"y"])
async def test_fault_that_can_not_even_be_answered_ends_its_session_alone(event: bytes) -> None:
    stage = Stage()
    session, transport, owner = stage.open()
    other, other_transport, _ = stage.open()
    owner.gate.set_result(None)
    owner.fault = broken  # type: ignore[assignment, method-assign]
    session.receive(event + b"a")
    await settle()
    assert transport.aborted
    assert transport.written == b""
    session.connection_lost(None)
    assert owner.is_closed
    other.receive(b"b")
    assert other_transport.written == b"b"


async def test_sweep_goes_on_behind_a_session_that_fails() -> None:
    stage = Stage()
    transports = []
    for _ in range(3):
        session, transport, owner = stage.open()
        session._seen -= 61
        transports.append(transport)
        owner.engine.outgoing = broken  # type: ignore[method-assign]
    stage.hall.sweep()
    assert all(transport.aborted for transport in transports)
    assert stage.hall.counts.faults == 3


async def test_session_whose_work_never_began_lets_go() -> None:
    stage = Stage()
    session, _, owner = stage.open()
    session.receive(b"w")
    session.abort()
    await settle()
    session.connection_lost(None)
    assert owner.is_closed
    assert not stage.hall.sessions


async def test_violation_closes_the_stream_after_what_was_answered() -> None:
    stage = Stage()
    session, transport, _ = stage.open()
    session.receive(b"avb")
    assert transport.written == b"a"
    assert transport.closing
    assert stage.hall.counts.violations == 1


async def test_end_of_input_closes_once_everything_is_answered() -> None:
    session, transport, owner = Stage().open()
    session.receive(b"wa")
    session.eof_received()
    assert not transport.closing
    owner.gate.set_result(None)
    await settle()
    assert transport.written == b"wa"
    assert transport.closing


async def test_work_goes_on_when_the_peer_is_gone_and_then_lets_go() -> None:
    stage = Stage()
    session, transport, owner = stage.open()
    session.receive(b"w")
    transport.closing = True
    session.connection_lost(None)
    assert not owner.is_closed
    assert session in stage.hall.sessions
    owner.gate.set_result(None)
    await settle()
    assert owner.is_closed
    assert session not in stage.hall.sessions


async def test_peer_that_reads_nothing_holds_the_session_back() -> None:
    session, transport, _ = Stage().open()
    session.pause_writing()
    session.receive(b"ab")
    assert transport.written == b""
    session.resume_writing()
    assert transport.written == b"ab"


async def test_nothing_is_obeyed_behind_output_that_was_never_read() -> None:
    # RETR, DELE and QUIT in one burst: the message was not read, so it must not be deleted.
    session, transport, owner = Stage().open()
    session.pause_writing()
    session.receive(b"a")
    transport.closing = True
    session.connection_lost(ConnectionResetError())
    assert owner.engine.came == b"a"
    assert owner.is_closed


async def test_strangers_that_hold_most_are_cut_off_before_memory_runs_out() -> None:
    stage = Stage()
    opened = [stage.open() for _ in range(4)]
    for (_, transport, owner), share, is_known in zip(
        opened, (60, 10, 30, 20), (True, False, False, True), strict=True
    ):
        transport.unsent_octets = MAX_HELD_OCTETS * share // 100
        owner.is_known = is_known
    stage.hall.sweep()
    assert [transport.aborted for _, transport, _ in opened] == [False, False, True, False]
    assert stage.hall.counts.cut_off == 1


async def test_what_is_held_in_reason_cuts_nobody_off() -> None:
    stage = Stage()
    _, transport, _ = stage.open()
    transport.unsent_octets = MAX_HELD_OCTETS
    stage.hall.sweep()
    assert not transport.aborted


async def test_peer_that_sends_while_we_decide_is_not_read_without_end() -> None:
    session, transport, owner = Stage().open()
    session.receive(b"w")
    session.receive(b"a" * 600_000)
    assert transport.is_reading_paused
    owner.gate.set_result(None)
    await settle()
    assert not transport.is_reading_paused
    assert len(transport.written) == 600_001


async def test_peer_that_reads_nothing_is_not_read_without_end() -> None:
    session, transport, _ = Stage().open()
    session.pause_writing()
    session.receive(b"a" * 600_000)
    assert transport.is_reading_paused
    session.resume_writing()
    assert not transport.is_reading_paused
    assert len(transport.written) == 600_000


async def test_reading_goes_on_only_when_all_that_came_was_used() -> None:
    # Else each decision, made for one octet, would let another half megabyte in.
    session, transport, owner = Stage().open()
    owner.gate.set_result(None)
    session.receive(b"w")
    session.receive(b"w" * 600_000)
    await settle()
    assert len(transport.written) > 1
    assert transport.is_reading_paused


async def test_known_peer_can_not_take_all_places_and_unknown_ones_share_no_bucket() -> None:
    stage = Stage(connections=6, connections_per_peer=2)
    for _ in range(3):
        stage.open("127.9.9.9")
    assert stage.welcomes == [True, True, False]
    for _ in range(4):
        stage.open("127.0.0.1")
    assert stage.welcomes[3:] == [True, True, True, False]


async def test_place_is_free_again_when_a_session_ends() -> None:
    stage = Stage(connections=1, connections_per_peer=1)
    session, _, _ = stage.open("127.9.9.9")
    session.connection_lost(None)
    stage.open("127.9.9.9")
    assert stage.welcomes == [True, True]


async def test_silence_ends_a_session_but_not_while_the_silence_is_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Stage()
    _, quiet, quiet_owner = stage.open()
    busy_session, busy, _ = stage.open()
    busy_session.receive(b"w")
    now = stage.hall.loop.time()
    for session in tuple(stage.hall.sessions):
        session.expire_if_due(now + 61, stage.hall.bounds)
    assert quiet.written == b"bye"
    assert quiet.closing
    assert quiet_owner.engine.expired == [False]
    assert not busy.closing


async def test_session_that_never_stops_is_ended() -> None:
    stage = Stage()
    session, transport, _ = stage.open()
    session._seen = stage.hall.loop.time() + 601
    session.expire_if_due(stage.hall.loop.time() + 601, stage.hall.bounds)
    assert transport.closing


async def test_stranger_that_does_not_log_in_gives_its_place_back() -> None:
    stage = Stage()
    stranger, known = stage.open(), stage.open()
    stranger[2].is_known = False
    for session, _, _ in (stranger, known):
        session._seen = stage.hall.loop.time() + 31
        session.expire_if_due(stage.hall.loop.time() + 31, stage.hall.bounds)
    assert stranger[1].written == b"bye"
    assert not known[1].closing


async def test_peer_that_neither_reads_nor_speaks_is_cut_off() -> None:
    stage = Stage()
    session, transport, _ = stage.open()
    session.pause_writing()
    session.expire_if_due(stage.hall.loop.time() + 61, stage.hall.bounds)
    assert transport.aborted


async def test_stop_ends_idle_sessions_and_waits_for_the_others() -> None:
    stage = Stage()
    idle_session, idle, _ = stage.open()
    busy_session, busy, busy_owner = stage.open()
    busy_session.receive(b"w")
    busy_owner.is_idle = False
    stopping = asyncio.ensure_future(stage.hall.stop(grace_seconds=5))
    await settle()
    assert idle.written == b"bye"
    idle_session.connection_lost(None)
    assert not busy.closing
    busy_owner.gate.set_result(None)
    busy_owner.is_idle = True
    await asyncio.sleep(0.05)
    assert busy.written == b"wbye"
    busy_session.connection_lost(None)
    await stopping


async def test_stop_cuts_off_what_does_not_end_in_time() -> None:
    stage = Stage()
    session, transport, owner = stage.open()
    session.receive(b"w")
    owner.is_idle = False
    stopping = asyncio.ensure_future(stage.hall.stop(grace_seconds=0))
    await settle()
    assert transport.aborted
    session.connection_lost(None)
    await stopping
    assert owner.is_closed
