# SPDX-License-Identifier: Apache-2.0
"""Carries the octets of a link between its engine and a stream: the far side in its smallest form.

Trust: any process on either machine can be at the other end until `prove` has returned.
"""

import asyncio

from eepost.mail.violation import PeerViolation
from eepost.wire.link.engine import Link
from eepost.wire.link.events import Decision, Ended, Event, Proven, RecordGiven
from eepost.wire.signals import Signal

READ_OCTETS = 65_536


class NotProven(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The other side is not who it should be, or went away; which of both is not told."""


class LinkCut(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The stream broke before the other side's end; what came may be incomplete."""


class LinkStream:
    """A stream whose other side has to prove itself; then octets, in order and whole."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._link = link

    async def prove(self, within_seconds: float) -> None:
        """Hold the dialogue of proofs. Raises NotProven, and the stream is closed then."""
        try:
            async with asyncio.timeout(within_seconds):
                event = await self._event()
                if isinstance(event, Proven):
                    self._link.decide(Decision.ADMIT)
                    await self._flush()
                    return
        except (PeerViolation, OSError, TimeoutError):
            pass  # one outcome for all, so that nothing is told apart
        self.close()
        raise NotProven

    async def send(self, octets: bytes) -> None:
        """Send; waits while the other side takes nothing. Raises OSError."""
        self._require_open()
        self._link.send(octets)
        await self._flush()

    def put(self, octets: bytes) -> None:
        """Send a few octets without waiting, for words that must not wait behind a slow peer.

        Nothing is sent where the stream has broken: whoever reads from it learns that.
        """
        if self._link.is_open:
            self._link.send(octets)
            self._writer.write(self._link.outgoing())

    async def receive(self) -> bytes:
        """Return the next octets, b"" at the other side's end. Raises LinkCut."""
        try:
            event = await self._event()
        except (PeerViolation, OSError):
            self.close()
            raise LinkCut from None
        match event:
            case RecordGiven(octets):
                return octets
            case Ended():
                return b""
            case _:  # Cut, or nothing more: the caller has read past the end
                self.close()
                raise LinkCut

    async def finish(self) -> None:
        """Say that we have sent all. Raises OSError."""
        self._require_open()
        self._link.finish()
        await self._flush()

    def close(self) -> None:
        """Drop the stream."""
        self._writer.transport.abort()

    def _require_open(self) -> None:
        # The engine may have seen the end of the stream while the reader has yet to be told.
        if not self._link.is_open:
            raise ConnectionResetError

    async def _event(self) -> Event | None:
        while True:
            event = self._link.next_event()
            await self._flush()
            if event is Signal.CLOSED:
                return None
            if not isinstance(event, Signal):
                return event
            octets = await self._reader.read(READ_OCTETS)
            if octets:
                self._link.receive(octets)
            else:
                self._link.receive_eof()

    async def _flush(self) -> None:
        octets = self._link.outgoing()
        if octets:
            self._writer.write(octets)
            await self._writer.drain()
