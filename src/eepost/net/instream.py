# SPDX-License-Identifier: Apache-2.0
"""Talks to clamd: one connection for one question, clamd(8).

Trust: whoever listens at the socket; its answers are bounded and believed only when whole.
"""

import asyncio
import re
import socket
import tarfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
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
# Octets to a chunk: so many that its four octets of length cost nothing, so few that
# no second copy of a large message stands in memory.
CHUNK_OCTETS = 131_072

_FOUND = re.compile(rb"stream: ([^\0\r\n]*) FOUND\0")
# What clamd appends in parentheses (ExtendedDetectionInfo: digest and size) is no part of a name.
_NAME = re.compile(rb"[A-Za-z0-9._/:+-]+")
# The second: what older ones said of a file over MaxFileSize.
_LIMITS = (b"Heuristics.Limits.Exceeded", b"(null)")
_TOO_LONG = b"INSTREAM size limit exceeded. ERROR\0"


def parse_way(text: str) -> Way:
    """Return where clamd listens: an absolute path, or HOST:PORT.

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
    if not endpoint.port:
        raise ValueError("names no port")
    return endpoint


async def ask(way: Way, command: bytes) -> bytes:
    """Return clamd's answer to `command` without its final NUL. Raises OSError."""
    async with _connected(way) as talk:
        await asyncio.get_running_loop().sock_sendall(talk, b"z%s\0" % command)
        answer, _ = await _rest(talk, None)
    return answer.removesuffix(b"\0")


async def instream(way: Way, specimens: Sequence[bytes]) -> Verdict:
    """Return what clamd says of `specimens` together. Raises OSError; takes any time."""
    loop = asyncio.get_running_loop()
    is_asked = False
    async with _connected(way) as talk:
        heard = None
        command = b"zINSTREAM\0"
        # Where it hangs up while we speak, it may have said why before.
        with suppress(BrokenPipeError, ConnectionResetError):
            for chunk in _chunks(_archived(specimens)):
                size = len(chunk).to_bytes(4, "big")
                await loop.sock_sendall(talk, b"".join((command, size, chunk)))
                command = b""
                heard = _heard(talk)
                if heard is not None:
                    break
            else:
                await loop.sock_sendall(talk, command + bytes(4))
                is_asked = True
        answer, has_read_all = await _rest(talk, heard)
    return _verdict(answer, is_asked and has_read_all)


def _verdict(answer: bytes, is_heard: bool) -> Verdict:
    if answer == _TOO_LONG:
        return OVER_LIMITS  # said before the end, and rightly
    if not is_heard:
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


@asynccontextmanager
async def _connected(way: Way) -> AsyncIterator[socket.socket]:
    """Connect. A bare socket: a transport forgets what was heard when sending fails."""
    address: str | tuple[str, int]
    if isinstance(way, Path):
        family, address = socket.AF_UNIX, str(way)
    elif way.is_loopback:
        family = socket.AF_INET6 if ":" in way.host else socket.AF_INET
        address = (way.host, way.port)
    else:
        raise ValueError("is not a loopback address: plain mail never leaves this machine")
    with socket.socket(family, socket.SOCK_STREAM) as talk:
        talk.setblocking(False)
        await asyncio.get_running_loop().sock_connect(talk, address)
        yield talk


def _heard(talk: socket.socket) -> bytes | None:
    """Return what was said already, b"" for an end, None for nothing."""
    try:
        return talk.recv(MAX_ANSWER_OCTETS)
    except BlockingIOError:
        return None


async def _rest(talk: socket.socket, heard: bytes | None) -> tuple[bytes, bool]:
    """Return `heard` with what follows, a bit more than an answer may have at most.

    And whether it has read all that we sent: who hangs up before that resets the connection.
    """
    loop = asyncio.get_running_loop()
    answer = heard or b""
    try:
        while heard != b"" and len(answer) <= MAX_ANSWER_OCTETS:
            heard = await loop.sock_recv(talk, MAX_ANSWER_OCTETS)
            answer += heard
    except ConnectionResetError:
        return answer, False
    return answer, True
