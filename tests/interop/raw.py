# SPDX-License-Identifier: Apache-2.0
"""Speaks SMTP and POP3 octet by octet: for what no decent program says, and without their limits.

The standard library's POP3 client, for one, gives up at lines of more than 2,048 octets.
"""

import socket
from base64 import b64encode
from types import TracebackType
from typing import Self

from tests.interop.running import Desk

SECONDS = 30


class Line:
    """One connection to a port of this machine."""

    def __init__(self, port: int, seconds: float = SECONDS, source: str = "127.0.0.1") -> None:
        """Connect from the address `source`; waits end after `seconds` with TimeoutError."""
        self.socket = socket.create_connection(("127.0.0.1", port), seconds, (source, 0))
        self._stream = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self.close()

    def say(self, octets: bytes) -> None:
        """Send `octets` as they are."""
        self.socket.sendall(octets)

    def hear(self) -> bytes:
        """Return the next line without its CRLF, b"" at the end of the stream."""
        line = self._stream.readline()
        assert line.endswith(b"\r\n") or not line, line
        return line[:-2]

    def reply(self) -> bytes:
        """Return the last line of the next SMTP reply."""
        while (line := self.hear())[3:4] == b"-":
            pass
        return line

    def ask(self, command: bytes) -> bytes:
        """Send one SMTP command and return the last line of its reply."""
        self.say(command + b"\r\n")
        return self.reply()

    def content(self) -> bytes:
        """Return the lines of a POP3 multi-line response, dot-unstuffed, in CRLF lines."""
        lines = []
        while (line := self._stream.readline()) != b".\r\n":
            assert line.endswith(b"\r\n"), line
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def rest(self) -> bytes:
        """Return all that comes until the other end closes."""
        return self._stream.read()

    def close(self) -> None:
        """Hang up without a word."""
        self._stream.close()
        self.socket.close()


class SmtpSession(Line):
    """A session of a user who is logged in."""

    def __init__(self, desk: Desk, seconds: float = SECONDS) -> None:
        """Greet and log in."""
        super().__init__(desk.smtp_port, seconds)
        assert self.reply().startswith(b"220 ")
        assert self.ask(b"EHLO client").startswith(b"250 ")
        assert self.ask(b"AUTH PLAIN " + plain(desk)).startswith(b"235 ")

    def open(self, desk: Desk, *recipients: str) -> None:
        """Open a transaction from `desk` to `recipients`."""
        assert self.ask(b"MAIL FROM:<%b>" % desk.address.encode()).startswith(b"250 ")
        for recipient in recipients:
            assert self.ask(b"RCPT TO:<%b>" % recipient.encode()).startswith(b"250 ")


class PopSession(Line):
    """A session of a user who is logged in; QUIT at its end."""

    def __init__(self, desk: Desk) -> None:
        """Log in."""
        super().__init__(desk.pop3_port)
        self.expect_ok()
        self.command(f"USER {desk.account}")
        self.command(f"PASS {desk.password}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.command("QUIT")
        super().__exit__(kind, error, trace)

    def expect_ok(self) -> bytes:
        """Return the next status line, which has to be +OK."""
        line = self.hear()
        assert line.startswith(b"+OK"), line
        return line

    def command(self, text: str) -> bytes:
        """Send a command that has to be answered with +OK."""
        self.say(text.encode() + b"\r\n")
        return self.expect_ok()

    def unique_ids(self) -> list[str]:
        """Return the unique-ids of all messages."""
        self.command("UIDL")
        return [line.split()[1].decode() for line in self.content().splitlines()]

    def messages(self) -> list[bytes]:
        """Return all messages, in CRLF lines, asked for in one burst."""
        count = int(self.command("STAT").split()[1])
        self.say(b"".join(b"RETR %d\r\n" % (n + 1) for n in range(count)))
        found = []
        for _ in range(count):
            self.expect_ok()
            found.append(self.content())
        return found


def plain(desk: Desk) -> bytes:
    """Return the initial response of AUTH PLAIN (RFC 4616)."""
    return b64encode(f"\0{desk.account}\0{desk.password}".encode())
