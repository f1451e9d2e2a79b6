# SPDX-License-Identifier: Apache-2.0
"""Servers that are no clamd, or one that went mad: none of them makes a mail clean."""

import asyncio
import socket
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from eepost.net.clamd import Bounds, Standing
from eepost.net.instream import DOWN, OVER_LIMITS, instream, parse_way
from eepost.net.listeners import Endpoint
from eepost.sanitise.scan import Clean, Infected, Verdict
from tests.scan.asking import scanner

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

MAIL = b"From: alice@mail.i2p\r\n\r\nHello\r\n"
LARGE = MAIL + b"words\r\n" * 400_000  # far more than a socket buffers


@asynccontextmanager
async def pretending(folder: Path, behave: Behaviour) -> AsyncIterator[Path]:
    """Serve in the way of `behave`."""

    async def serve(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        try:
            await behave(reading, writing)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writing.close()

    server = await asyncio.start_unix_server(serve, folder / "s")
    try:
        yield folder / "s"
    finally:
        server.close()


async def hear_all(reading: asyncio.StreamReader) -> bytes:
    """Read a whole INSTREAM and return its octets."""
    assert await reading.readuntil(b"\0") == b"zINSTREAM\0"
    heard = b""
    while size := int.from_bytes(await reading.readexactly(4)):
        heard += await reading.readexactly(size)
    return heard


def saying(answer: bytes) -> Behaviour:
    """Return the behaviour of hearing everything and then saying `answer`."""

    async def behave(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        await hear_all(reading)
        writing.write(answer)

    return behave


def blurting(answer: bytes) -> Behaviour:
    """Return the behaviour of saying `answer` before anything was heard."""

    async def behave(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        writing.write(answer)
        await writing.drain()
        while await reading.read(65_536):
            pass

    return behave


ANSWERS: dict[bytes, Verdict] = {
    # What clamd says.
    b"stream: OK\0": Clean(),
    b"stream: Some.Virus-1 FOUND\0": Infected("Some.Virus-1"),
    b"stream: Eicar(44d88612fea8a8f36de82e1278abb02f:68) FOUND\0": Infected("Eicar"),
    b"stream: Heuristics.Limits.Exceeded.MaxFiles FOUND\0": OVER_LIMITS,
    b"stream: (null) FOUND\0": OVER_LIMITS,
    b"INSTREAM size limit exceeded. ERROR\0": OVER_LIMITS,
    b"stream: Can't allocate memory ERROR\0": DOWN,
    b"INSTREAM: Can't write to temporary file. ERROR\0": DOWN,
    # What it may not say, but says that something was found: never clean, never a bad reply.
    b"stream: " + b"X" * 3_000 + b" FOUND\0": Infected("X" * 80),
    b"stream: \xff\xfe\x1b[31m FOUND\0": Infected("without a name"),
    b"stream: OK FOUND\0": Infected("OK"),
    # What it never says.
    b"": DOWN,
    b"\0": DOWN,
    b"OK\0": DOWN,
    b"stream: OK": DOWN,
    b"stream: OK\n": DOWN,
    b"stream: OK\0stream: OK\0": DOWN,
    b"stream: OK\0stream: Virus FOUND\0": DOWN,
    b"stream: X FOUND\nstream: OK\0": DOWN,
    b"stream: Virus FOUND\0 OK": DOWN,
    b"other: OK\0": DOWN,
    b"1: stream: OK\0": DOWN,
    b"/etc/passwd: OK\0": DOWN,
    b"PONG\0": DOWN,
    b"UNKNOWN COMMAND\0": DOWN,
    b"HTTP/1.1 400 Bad Request\r\n\r\n": DOWN,
    b"x" * 100_000: DOWN,
}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: repr(answer[:40]))
async def test_only_whole_answers_of_clamd_are_believed(short_path: Path, answer: bytes) -> None:
    async with pretending(short_path, saying(answer)) as way:
        assert await instream(way, [MAIL]) == ANSWERS[answer]


@pytest.mark.parametrize("message", [MAIL, LARGE], ids=["small", "large"])
async def test_clean_bill_before_all_was_heard_is_not_believed(
    short_path: Path, message: bytes
) -> None:
    rounds = 50

    def answer_unheard(listening: socket.socket) -> None:
        for _ in range(rounds):
            talk, _ = listening.accept()
            with talk:
                talk.sendall(b"stream: OK\0")

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(short_path / "s"))
        listening.listen()
        answering = asyncio.create_task(asyncio.to_thread(answer_unheard, listening))
        for _ in range(rounds):
            assert await instream(short_path / "s", [message]) == DOWN
        await answering


@pytest.mark.parametrize("answer", [b"220 mail.example ESMTP\r\n", b"stream: OK\0"])
async def test_server_that_speaks_first_is_not_believed(short_path: Path, answer: bytes) -> None:
    async with pretending(short_path, blurting(answer)) as way:
        async with asyncio.timeout(10):
            assert await scanner(way, Bounds(10_000_000, 0.5, 1)).scan([LARGE]) == DOWN


async def test_server_that_hangs_up_in_the_middle_is_down(short_path: Path) -> None:
    async def behave(reading: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reading.readexactly(100_000)

    async with pretending(short_path, behave) as way:
        assert await instream(way, [LARGE]) == DOWN


@pytest.mark.parametrize("is_read", [True, False], ids=["reads", "does not even read"])
async def test_server_that_says_nothing_is_down_in_bounded_time(
    short_path: Path, is_read: bool
) -> None:
    over = asyncio.Event()

    async def behave(reading: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        if is_read:
            await hear_all(reading)
        await over.wait()

    async with pretending(short_path, behave) as way:
        asked = scanner(way, Bounds(10_000_000, 0.5, 1))
        async with asyncio.timeout(10):
            assert await asked.scan([LARGE]) == DOWN
        over.set()


async def test_server_to_which_everything_is_clean_is_seen_through(short_path: Path) -> None:
    async with pretending(short_path, saying(b"stream: OK\0")) as way:
        asked = scanner(way)
        assert await asked.scan([MAIL]) == DOWN
        assert await asked.standing() is Standing.BLIND


async def test_server_to_which_everything_is_infected_lets_nothing_pass(short_path: Path) -> None:
    async with pretending(short_path, saying(b"stream: X FOUND\0")) as way:
        assert await scanner(way).scan([MAIL]) == Infected("X")


async def test_whole_message_and_parts_reach_the_scanner(short_path: Path) -> None:
    heard: list[bytes] = []

    async def behave(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        heard.append(await hear_all(reading))
        writing.write(b"stream: OK\0")

    async with pretending(short_path, behave) as way:
        for specimens in ([MAIL], [LARGE], [MAIL, b"", b"x" * 512, LARGE]):
            assert await instream(way, specimens) == Clean()
    assert heard[:2] == [MAIL, LARGE]
    archive = short_path / "tar"
    archive.write_bytes(heard[2])
    with tarfile.open(archive) as reading:
        members = [reading.extractfile(each) for each in reading.getmembers()]
        assert [each.read() for each in members if each] == [MAIL, b"", b"x" * 512, LARGE]


async def test_tcp_works_on_loopback_and_nowhere_else() -> None:
    async def serve(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        await saying(b"stream: OK\0")(reading, writing)
        writing.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await instream(parse_way(f"127.0.0.1:{port}"), [MAIL]) == Clean()
    server.close()
    with pytest.raises(ValueError, match="loopback"):
        await instream(Endpoint("192.0.2.1", 3310), [MAIL])
