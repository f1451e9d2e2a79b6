# SPDX-License-Identifier: Apache-2.0
"""Whole sessions as a client holds them, one step at a time or as many at once as is allowed."""

import asyncio
from base64 import b64encode
from collections.abc import Set
from dataclasses import dataclass

from tests.office import PASSWORD, address


@dataclass
class Ends:
    """A client's connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, port: int) -> "Ends":
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))

    async def smtp(self, expected: str) -> None:
        """Read a reply (RFC 5321 4.2)."""
        while (line := (await self.reader.readline()).decode())[3:4] == "-":
            pass
        assert line.startswith(expected), line

    async def pop3(self) -> bytes:
        """Read a status line that must be a success."""
        line = await self.reader.readline()
        assert line.startswith(b"+OK"), line
        return line

    async def lines(self) -> bytes:
        """Read a multi-line response with its dots unstuffed (RFC 1939 3)."""
        lines = []
        while (line := await self.reader.readline()) != b".\r\n":
            assert line
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    async def close(self) -> None:
        """Wait for the far side's end, as a patient client does."""
        assert await self.reader.read() == b""
        self.writer.close()
        await self.writer.wait_closed()


def _stuffed(message: bytes) -> bytes:
    lines = message.split(b"\r\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines) + b".\r\n"


async def submit(
    port: int, sender: str, recipient: str, message: bytes, *, pipelined: bool
) -> None:
    """Hand in one message; with PIPELINING (RFC 2920) the envelope goes in one burst."""
    ends = await Ends.open(port)
    response = b64encode(f"\0{sender}\0{PASSWORD}".encode()).decode()
    envelope = [
        (f"MAIL FROM:<{address(sender)}>", "250"),
        (f"RCPT TO:<{address(recipient)}>", "250"),
        ("DATA", "354"),
    ]
    await ends.smtp("220")
    bursts = [
        [("EHLO x", "250")],
        [(f"AUTH PLAIN {response}", "235")],
        *([envelope] if pipelined else [[step] for step in envelope]),
    ]
    for burst in bursts:
        ends.writer.write("".join(f"{line}\r\n" for line, _ in burst).encode())
        for _, expected in burst:
            await ends.smtp(expected)
    ends.writer.write(_stuffed(message))
    if pipelined:
        ends.writer.write(b"QUIT\r\n")
    await ends.smtp("250")
    if not pipelined:
        ends.writer.write(b"QUIT\r\n")
    await ends.smtp("221")
    await ends.close()


async def fetch(port: int, name: str, *, pipelined: bool) -> list[bytes]:
    """Fetch and delete a whole maildrop; with PIPELINING (RFC 2449 6.6) in few bursts."""
    ends = await Ends.open(port)
    await ends.pop3()
    begin = [f"USER {name}", f"PASS {PASSWORD}", "STAT", "UIDL"]
    [listing] = await _ask(ends, begin, pipelined=pipelined, multiline={"UIDL"})
    numbers = range(1, len(listing.splitlines()) + 1)
    letters = [f"RETR {number}" for number in numbers]
    fetched = await _ask(ends, letters, pipelined=pipelined, multiline={*letters})
    await _ask(ends, [*(f"DELE {number}" for number in numbers), "QUIT"], pipelined=pipelined)
    await ends.close()
    return fetched


async def _ask(
    ends: Ends, commands: list[str], *, pipelined: bool, multiline: Set[str] = frozenset()
) -> list[bytes]:
    """Return the multi-line responses; every command must succeed."""
    given = []
    bursts = [commands] if pipelined else [[command] for command in commands]
    for burst in bursts:
        ends.writer.write("".join(f"{command}\r\n" for command in burst).encode())
        for command in burst:
            await ends.pop3()
            if command in multiline:
                given.append(await ends.lines())
    return given
