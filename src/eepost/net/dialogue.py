# SPDX-License-Identifier: Apache-2.0
"""A client's side of a line protocol, for looking at our own service as a mail program sees it."""

import asyncio

from eepost.net.listeners import Endpoint

# Our own replies are short; a message that comes back is bounded by what was sent.
MAX_LINE_OCTETS = 1_048_576
ANSWER_SECONDS = 60.0


class Dialogue:
    """One connection; every call says something and returns what was answered."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, endpoint: Endpoint) -> "Dialogue":
        """Connect. Raises OSError."""
        reader, writer = await asyncio.open_connection(
            endpoint.host, endpoint.port, limit=MAX_LINE_OCTETS
        )
        return cls(reader, writer)

    async def hear(self) -> bytes:
        """Return the next line without its CRLF. Raises EOFError where there is none."""
        line = await asyncio.wait_for(self._reader.readline(), ANSWER_SECONDS)
        if not line:
            raise EOFError
        return line.rstrip(b"\r\n")

    async def say(self, octets: bytes) -> None:
        """Send octets as they are."""
        self._writer.write(octets)
        await self._writer.drain()

    async def ask_smtp(self, line: bytes) -> bytes:
        """Send a line and return the last line of the reply (RFC 5321 4.2)."""
        await self.say(line + b"\r\n")
        return await self.smtp_reply()

    async def smtp_reply(self) -> bytes:
        """Return the last line of the reply that comes now."""
        while (line := await self.hear())[3:4] == b"-":
            pass
        return line

    async def ask_pop3(self, line: bytes) -> bytes:
        """Send a line and return the status line."""
        await self.say(line + b"\r\n")
        return await self.hear()

    async def pop3_lines(self) -> list[bytes]:
        """Return the lines of a multi-line response, dots unstuffed (RFC 1939 3)."""
        lines = []
        while (line := await self.hear()) != b".":
            lines.append(line.removeprefix(b"."))
        return lines

    async def close(self) -> None:
        """Close the connection."""
        self._writer.close()
