# SPDX-License-Identifier: Apache-2.0
"""The seat of whoever was dialled: hears questions, lets each be answered in a task of its own.

Trust: the other side is proven and may have been seized. It can keep its own stream busy and fill
the room it is given, and nothing beyond that; whatever breaks a rule ends its stream.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Protocol

from msgspec.structs import replace

from eepost.mail.violation import Misuse, PeerViolation
from eepost.net.exchanges.stream import Bounds, Stream, fits, has_content, is_last
from eepost.net.link import LinkCut
from eepost.wire.transfer.codec import Decoder, Encoder
from eepost.wire.transfer.messages import (
    UNNUMBERED,
    Abandon,
    Answer,
    AnyMessage,
    Content,
    Declined,
    EndOfContent,
    Message,
    Question,
    StillHere,
    StillThere,
)

REFUSED = "question refused"


class Room(Protocol):
    """Bounds what all exchanges of a role may hold in memory; `wire.transit.Transit` is one."""

    def reserve(self, octets: int, /) -> bool:
        """Take room, or say that there is none."""

    def release(self, octets: int, /) -> None:
        """Give room back."""


class ContentLate(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The content of a question did not come in time."""


class Asked:
    """A question, its content and the way to answer it."""

    def __init__(self, question: Question, bounds: Bounds, answerer: "Answerer") -> None:
        self.question = question
        # Larger than this side ever keeps: answer without asking for the content.
        self.is_too_large = (has_content(question) or 0) > bounds.content_octets
        self.is_answered = False
        self._announced = has_content(question) or 0
        self._has_content = has_content(question) is not None
        self._received = 0
        self._kept = bytearray()
        self._whole: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._within_seconds = bounds.content_seconds
        self._answerer = answerer

    async def content(self) -> bytearray:
        """Return all of the content, once it has come: CRLF lines, not dot-stuffed.

        Raises ContentLate; the question is best left unanswered then.
        """
        if self.is_too_large or not self._has_content:
            raise Misuse("there is no content to wait for")
        try:
            await asyncio.wait_for(self._whole, self._within_seconds)
        except TimeoutError:
            raise ContentLate from None
        return self._kept

    async def answer(self, answer: Answer) -> None:
        """Give an answer; its exchange is filled in. Raises LinkCut."""
        if self.is_answered or not fits(self.question, answer):
            raise Misuse("this is no answer to the question")
        self.is_answered = is_last(answer)
        await self._answerer.say(replace(answer, exchange=self.question.exchange))

    @property
    def room_octets(self) -> int:
        """What the content takes of the room."""
        return 0 if self.is_too_large else self._announced

    def take(self, message: Content | EndOfContent) -> None:
        """Take what came of the content. Raises PeerViolation."""
        if not self._has_content or self._whole.done():
            raise PeerViolation(REFUSED)
        if isinstance(message, EndOfContent):
            if self._received != self._announced:
                raise PeerViolation(REFUSED)
            self._whole.set_result(None)
            return
        self._received += len(message.octets)
        if self._received > self._announced:
            raise PeerViolation(REFUSED)
        if not self.is_too_large:
            self._kept += message.octets


Respond = Callable[[Asked], Awaitable[None]]
Responses = Mapping[type[Message], Respond]


class Answerer:
    """Exchanges over a stream that the other side opened.

    `responses` says who answers which question, a coroutine each; what it does not answer, because
    it failed or returned before, is declined. It is cancelled where the question is taken back or
    the stream is lost. A kind of question that nobody answers ends the stream.
    """

    def __init__(
        self,
        stream: Stream,
        bounds: Bounds,
        responses: Responses,
        room: Room,
        fault: Callable[[BaseException], None],
    ) -> None:
        self._stream = stream
        self._bounds = bounds
        self._responses = responses
        self._room = room
        self._fault = fault
        self._encoder = Encoder()
        self._open: dict[int, tuple[Asked, asyncio.Task[None]]] = {}
        self._turn = asyncio.Lock()
        self._last = 0
        self._takes_more = True

    @property
    def open_exchanges(self) -> int:
        """How many questions are being answered."""
        return len(self._open)

    async def run(self) -> None:
        """Answer until the stream ends.

        What is open then is answered still if the other side ended it in good order, and cancelled
        if the stream was lost.
        """
        try:
            await self._read()
            await self._settle()
            await self._stream.finish()
        except (LinkCut, PeerViolation, OSError, TimeoutError):
            pass  # the other side is gone; there is nobody to tell
        finally:
            self._stream.close()
            for _, task in self._open.values():
                task.cancel()
            await self._settle()

    async def drain(self, within_seconds: float) -> None:
        """Decline what is asked from now on, finish what is open, then drop the stream."""
        self._takes_more = False
        with suppress(TimeoutError):
            await asyncio.wait_for(self._settle(), within_seconds)
        self._stream.close()

    async def say(self, message: AnyMessage) -> None:
        """Send a message in its turn. Raises LinkCut."""
        async with self._turn:
            try:
                await self._stream.send(self._encoder.encode(message))
            except OSError:
                raise LinkCut from None

    async def _settle(self) -> None:
        while self._open:
            await asyncio.wait([task for _, task in self._open.values()])

    async def _read(self) -> None:
        decoder = Decoder()
        while octets := await self._receive():
            for message in decoder.receive(octets):
                await self._take(message)

    async def _receive(self) -> bytes:
        return await asyncio.wait_for(self._stream.receive(), self._bounds.silence_seconds)

    async def _take(self, message: AnyMessage) -> None:
        match message:
            case Content() | EndOfContent() | Abandon():
                self._go_on(message)
            case StillThere():
                self._count(message)
                await self.say(StillHere(message.exchange))
            case _ if type(message) in self._responses:
                await self._begin(message)  # type: ignore[arg-type] # the keys are questions
            case _:
                raise PeerViolation(REFUSED)

    def _count(self, question: Question) -> None:
        if question.exchange <= self._last:
            raise PeerViolation(REFUSED)
        self._last = question.exchange

    async def _begin(self, question: Question) -> None:
        self._count(question)
        asked = Asked(question, self._bounds, self)
        is_full = len(self._open) >= self._bounds.exchanges
        if is_full or not self._takes_more or not self._room.reserve(asked.room_octets):
            await self.say(Declined(question.exchange))
            return
        task = asyncio.create_task(self._respond(asked))
        self._open[question.exchange] = asked, task
        # Not in the task itself: it may be cancelled before its first step.
        task.add_done_callback(lambda _: self._end(asked))

    def _end(self, asked: Asked) -> None:
        self._room.release(asked.room_octets)
        del self._open[asked.question.exchange]

    def _go_on(self, message: Content | EndOfContent | Abandon) -> None:
        if not 0 < message.exchange <= self._last:
            raise PeerViolation(REFUSED)
        found = self._open.get(message.exchange)
        if found is None:
            return  # declined or answered already, and the rest was on its way
        asked, task = found
        if isinstance(message, Abandon):
            task.cancel()
        else:
            asked.take(message)

    async def _respond(self, asked: Asked) -> None:
        try:
            await self._responses[type(asked.question)](asked)
        except ContentLate:
            pass  # declined below, as if there had been no room for it
        except LinkCut:
            return
        except Exception as error:
            self._fault(error)
        if not asked.is_answered:
            with suppress(LinkCut):
                await asked.answer(Declined(UNNUMBERED))
