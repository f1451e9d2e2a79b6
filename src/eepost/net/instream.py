# SPDX-License-Identifier: Apache-2.0
"""Talks to clamd: one connection for one question, clamd(8).

Trust: whoever listens at the socket; its answers are bounded and believed only when whole.
"""

import asyncio
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eepost.net.listeners import Endpoint, parse_endpoint
from eepost.sanitise.scan import Clean, Infected, Obstacle, Unscannable, Verdict

Way = Path | Endpoint

DOWN = Unscannable(Obstacle.DOWN)
OVER_LIMITS = Unscannable(Obstacle.OVER_LIMITS)

# A path that fits into a socket address (unix(7)), without its final NUL.
MAX_PATH_OCTETS = 107
# An answer is a line with a signature's name in it.
MAX_ANSWER_OCTETS = 4_096
# Official names have up to some fifty; it stands in a reply to the sender.
MAX_NAME_CHARACTERS = 80
# Octets to a chunk: so many that its four octets of length cost nothing, so few that a
# transport's buffer never holds much of a large message.
CHUNK_OCTETS = 131_072

_FOUND = re.compile(rb"stream: ([^\0\r\n]*) FOUND\0")
# What clamd appends in parentheses (ExtendedDetectionInfo: digest and size) is no part of a name.
_NAME = re.compile(rb"[A-Za-z0-9._/:+-]+")
_LIMITS = b"Heuristics.Limits.Exceeded"
_TOO_LONG = b"INSTREAM size limit exceeded. ERROR\0"


def parse_way(text: str) -> Way:
    """Return where clamd listens: an absolute path, or HOST:PORT on loopback.

    Raises ValueError with a reason that can be shown.
    """
    if text.startswith("/"):
        if len(text.encode()) > MAX_PATH_OCTETS:
            raise ValueError(f"is longer than a socket's path may be ({MAX_PATH_OCTETS} octets)")
        return Path(text)
    try:
        endpoint = parse_endpoint(text)
    except ValueError:
        raise ValueError("is neither an absolute path nor HOST:PORT") from None
    if not endpoint.is_loopback or not endpoint.port:
        raise ValueError("is no loopback address with a port: plain mail would leave this machine")
    return endpoint


async def ask(way: Way, command: bytes) -> bytes:
    """Return clamd's answer to `command` without its final NUL. Raises OSError."""
    talk = await _connect(way)
    try:
        talk.transport.write(b"z%s\0" % command)
        await talk.over
    finally:
        talk.transport.abort()
    return bytes(talk.answer[:MAX_ANSWER_OCTETS]).removesuffix(b"\0")


async def instream(way: Way, specimens: Sequence[bytes]) -> Verdict:
    """Return what clamd says of `specimens` together. Raises OSError; takes any time."""
    talk = await _connect(way)
    try:
        talk.transport.write(b"zINSTREAM\0")
        for chunk in _chunks(_archived(specimens)):
            await talk.say(len(chunk).to_bytes(4, "big"), chunk)
            if talk.has_begun_to_answer:
                break
        await asyncio.sleep(0)  # let the loop hear what was said already
        if not talk.has_begun_to_answer:
            talk.is_asked = True
            talk.transport.write(bytes(4))
        await talk.over
    finally:
        talk.transport.abort()
    return _verdict(bytes(talk.answer), talk.is_asked)


def _verdict(answer: bytes, is_asked: bool) -> Verdict:
    if answer == _TOO_LONG:
        return OVER_LIMITS  # said before the end, and rightly
    if not is_asked:
        return DOWN  # it answered what it had not heard to the end
    if answer == b"stream: OK\0":
        return Clean()
    found = _FOUND.fullmatch(answer)
    if found is None:
        return DOWN
    if found[1].startswith(_LIMITS):
        return OVER_LIMITS
    name = _NAME.match(found[1])
    return Infected(name[0][:MAX_NAME_CHARACTERS].decode("ascii") if name else "without a name")


def _archived(specimens: Sequence[bytes]) -> Iterator[bytes]:
    """Yield one specimen as it is, several as a tar archive: clamd takes each by itself then."""
    if len(specimens) == 1:
        yield specimens[0]
        return
    for number, octets in enumerate(specimens):
        member = tarfile.TarInfo(str(number))
        member.size = len(octets)
        yield member.tobuf(tarfile.USTAR_FORMAT)
        yield octets
        yield bytes(-len(octets) % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _chunks(octets: Iterable[bytes]) -> Iterator[memoryview]:
    for each in octets:
        view = memoryview(each)
        for at in range(0, len(view), CHUNK_OCTETS):
            yield view[at : at + CHUNK_OCTETS]


async def _connect(way: Way) -> "_Talk":
    loop = asyncio.get_running_loop()
    if isinstance(way, Path):
        _, talk = await loop.create_unix_connection(_Talk, str(way))
    else:
        _, talk = await loop.create_connection(_Talk, way.host, way.port)
    return talk


@dataclass(slots=True, init=False, eq=False)
class _Talk(asyncio.Protocol):
    """One connection: what was heard, and whether there is room to say more."""

    transport: asyncio.Transport
    over: asyncio.Future[None]
    answer: bytearray
    is_asked: bool
    _room: asyncio.Event

    def __init__(self) -> None:
        self.over = asyncio.get_running_loop().create_future()
        self.answer = bytearray()
        self.is_asked = False
        self._room = asyncio.Event()
        self._room.set()

    @property
    def has_begun_to_answer(self) -> bool:
        return bool(self.answer) or self.over.done()

    async def say(self, *octets: bytes | memoryview) -> None:
        """Send, and wait while the other side takes nothing."""
        self.transport.write(b"".join(octets))
        await self._room.wait()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - streams have no other
        self.transport = transport

    def data_received(self, octets: bytes) -> None:
        self.answer += octets
        if len(self.answer) > MAX_ANSWER_OCTETS:
            self.transport.abort()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def connection_lost(self, _error: Exception | None) -> None:
        self._room.set()
        if not self.over.done():
            self.over.set_result(None)
