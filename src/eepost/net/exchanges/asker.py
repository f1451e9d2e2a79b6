# SPDX-License-Identifier: Apache-2.0
"""The seat of whoever opened the stream: asks, many questions at once, and gets the answers.

Trust: the other side is proven and may have been seized. An answer that nobody waits for any more
is dropped; one that does not fit its question, or one outcome too many, ends the stream.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress

from msgspec.structs import replace

from eepost.mail.violation import PeerViolation
from eepost.net.exchanges.stream import Bounds, Stream, fits, has_content, is_last
from eepost.net.link import LinkCut
from eepost.wire.transfer.codec import Decoder, Encoder
from eepost.wire.transfer.messages import (
    MAX_CONTENT_OCTETS,
    UNNUMBERED,
    Abandon,
    Answer,
    AnyMessage,
    Content,
    EndOfContent,
    Outcome,
    Question,
    Relay,
    StillThere,
)

Pieces = Iterable[bytes | memoryview]


class Answers:
    """The answers to one question, as they come; the last one ends them."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.is_complete = False
        self._outstanding = len(question.recipients) if isinstance(question, Relay) else 0
        self._arrived: asyncio.Queue[Answer | None] = asyncio.Queue()
        self._is_read_out = False

    def take(self, answer: Answer) -> None:
        """Let an answer be waited for. Raises PeerViolation where it fits nothing we asked."""
        if not fits(self.question, answer):
            raise PeerViolation("answer refused")
        if isinstance(answer, Outcome):
            self._outstanding -= 1
            if self._outstanding < 0:
                raise PeerViolation("answer refused")
        self.is_complete = is_last(answer)
        self._arrived.put_nowait(answer)

    def fail(self) -> None:
        """Let whoever waits know that the stream is lost, after what came before."""
        self._arrived.put_nowait(None)

    def __aiter__(self) -> AsyncIterator[Answer]:
        return self

    async def __anext__(self) -> Answer:
        if self._is_read_out:
            raise StopAsyncIteration
        answer = await self._arrived.get()
        if answer is None:
            self.fail()  # for whoever asks again
            raise LinkCut
        self._is_read_out = is_last(answer)
        return answer


class Asker:
    """Exchanges over a stream that we opened."""

    def __init__(self, stream: Stream, bounds: Bounds) -> None:
        self._stream = stream
        self._bounds = bounds
        self._encoder = Encoder()
        self._open: dict[int, Answers] = {}
        self._places = asyncio.Semaphore(bounds.exchanges)
        self._turn = asyncio.Lock()
        self._number = UNNUMBERED
        self._is_lost = self._is_finishing = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def is_lost(self) -> bool:
        """Nothing can be asked any more."""
        return self._is_lost

    @property
    def open_exchanges(self) -> int:
        """How many questions wait for their last answer."""
        return len(self._open)

    async def run(self) -> None:
        """Read answers until the stream ends; then every open exchange fails with LinkCut."""
        try:
            await self._read()
        except (LinkCut, PeerViolation, OSError, TimeoutError):
            pass  # whatever it was, what is open learns that the stream is lost
        finally:
            self._lose()

    @asynccontextmanager
    async def ask(self, question: Question, content: Pieces = ()) -> AsyncIterator[Answers]:
        """Ask and give the answers. Waits for a place while too many exchanges are open.

        `question` is unnumbered and says how many octets of content follow, CRLF lines that are not
        dot-stuffed. Leaving before the last answer takes the question back. Raises LinkCut, also
        from the answers.
        """
        async with self._places:
            if self._is_lost or self._is_finishing:
                raise LinkCut
            answers = self._begin(question)
            number = answers.question.exchange
            try:
                await self._put_question(answers, content)
                yield answers
            finally:
                self._end(number)
                if not (answers.is_complete or self._is_lost):
                    self._stream.put(self._encoder.encode(Abandon(number)))

    async def finish(self) -> None:
        """Ask nothing more, wait for what is open, then say so; `run` returns when both have."""
        self._is_finishing = True
        await self._idle.wait()
        if not self._is_lost:
            with suppress(OSError):
                await self._stream.finish()

    def close(self) -> None:
        """Drop the stream; what is open fails."""
        self._lose()

    def _begin(self, question: Question) -> Answers:
        self._number += 1
        answers = Answers(replace(question, exchange=self._number))
        self._open[self._number] = answers
        self._idle.clear()
        return answers

    def _end(self, number: int) -> None:
        self._open.pop(number, None)
        if not self._open:
            self._idle.set()

    async def _put_question(self, answers: Answers, content: Pieces) -> None:
        await self._send(answers.question)
        if has_content(answers.question) is None:
            return
        number = answers.question.exchange
        for piece in _cut(content):
            if answers.is_complete:
                return  # declined: nobody listens to the rest
            await self._send(Content(number, piece))
        await self._send(EndOfContent(number))

    async def _send(self, message: AnyMessage) -> None:
        # The lock is fair, so exchanges take turns, a piece each.
        async with self._turn:
            if self._is_lost:
                raise LinkCut
            try:
                await self._stream.send(self._encoder.encode(message))
            except OSError:
                # `run` ends what is open: answers that came before must be heard, since a message
                # whose outcome is lost is delivered again.
                self._is_finishing = True
                raise LinkCut from None

    async def _read(self) -> None:
        decoder = Decoder()
        while octets := await self._receive():
            for message in decoder.receive(octets):
                self._take(message)

    async def _receive(self) -> bytes:
        """Return what comes; ask whether anybody is there where nothing does."""
        receiving = asyncio.ensure_future(self._stream.receive())
        try:
            await asyncio.wait({receiving}, timeout=self._bounds.quiet_seconds)
            if not receiving.done() and not self._is_finishing:
                self._ask_whether_there()
            rest = self._bounds.silence_seconds - self._bounds.quiet_seconds
            return await asyncio.wait_for(receiving, rest)
        finally:
            receiving.cancel()

    def _ask_whether_there(self) -> None:
        question = self._begin(StillThere(UNNUMBERED)).question
        self._stream.put(self._encoder.encode(question))

    def _take(self, message: AnyMessage) -> None:
        if not isinstance(message, Answer):
            raise PeerViolation("answer refused")
        answers = self._open.get(message.exchange)
        if answers is not None:
            answers.take(message)
            if answers.is_complete:
                self._end(message.exchange)
        elif not 0 < message.exchange <= self._number:
            raise PeerViolation("answer refused")

    def _lose(self) -> None:
        if self._is_lost:
            return
        self._is_lost = True
        self._stream.close()
        for answers in self._open.values():
            answers.fail()
        self._open.clear()
        self._idle.set()


def _cut(content: Pieces) -> Iterator[bytes]:
    """Return content in messages as long as may be: many small pieces would cost a frame each."""
    waiting = bytearray()
    for piece in content:
        waiting += piece
        while len(waiting) >= MAX_CONTENT_OCTETS:
            yield bytes(waiting[:MAX_CONTENT_OCTETS])
            del waiting[:MAX_CONTENT_OCTETS]
    if waiting:
        yield bytes(waiting)
