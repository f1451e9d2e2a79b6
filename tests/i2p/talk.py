# SPDX-License-Identifier: Apache-2.0
"""SMTP and POP3 as a client speaks it, with a hand on every step."""

import smtplib
import socket
from base64 import b64encode
from contextlib import suppress

from tests.office import PASSWORD, address

TALK_SECONDS = 60.0


def login_plain(name: str, password: str = PASSWORD) -> bytes:
    """Return AUTH PLAIN with its initial response (RFC 4954 4)."""
    response = b64encode(f"\0{name}\0{password}".encode())
    return b"AUTH PLAIN " + response


class Talk:
    """One connection to a tunnel's port."""

    def __init__(self, port: int, seconds: float = TALK_SECONDS) -> None:
        self.stream = socket.create_connection(("127.0.0.1", port), seconds)
        self._lines = self.stream.makefile("rb")

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        with suppress(OSError):
            self.stream.close()

    def hear(self) -> bytes:
        """Return the next line, b"" at the end of the stream."""
        with suppress(ConnectionResetError):
            return self._lines.readline()
        return b""

    def read(self, count: int) -> bytes:
        """Return `count` octets, or fewer at the end of the stream."""
        with suppress(ConnectionResetError):
            return self._lines.read(count)
        return b""

    def say(self, octets: bytes) -> None:
        """Send octets."""
        self.stream.sendall(octets)

    def ask(self, line: bytes) -> bytes:
        """Send a line and return the last line of the reply."""
        self.say(line + b"\r\n")
        return self.reply()

    def reply(self) -> bytes:
        """Return the last line of a reply."""
        while (line := self.hear())[3:4] == b"-":
            pass
        return line

    def multiline(self) -> list[bytes]:
        """Return the lines of a POP3 response up to its dot, b"" last if the stream ended."""
        lines = []
        while (line := self.hear()) not in {b".\r\n", b""}:
            lines.append(line)
        return lines if line else [*lines, b""]


def open_data(port: int, sender: str, recipient: str) -> Talk:
    """Return a session in which DATA was answered with 354."""
    talk = Talk(port)
    assert talk.reply().startswith(b"220")
    assert talk.ask(b"EHLO x").startswith(b"250")
    assert talk.ask(login_plain(sender)).startswith(b"235")
    assert talk.ask(f"MAIL FROM:<{address(sender)}>".encode()).startswith(b"250")
    assert talk.ask(f"RCPT TO:<{address(recipient)}>".encode()).startswith(b"250")
    assert talk.ask(b"DATA").startswith(b"354")
    return talk


def submit(port: int, sender: str, recipient: str, message: bytes) -> None:
    """Send one message through a tunnel."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="x", timeout=TALK_SECONDS) as smtp:
        smtp.login(sender, PASSWORD)
        smtp.sendmail(address(sender), address(recipient), message)


def login(port: int, name: str) -> Talk:
    """Return a POP3 session after the login."""
    talk = Talk(port)
    assert talk.hear().startswith(b"+OK")
    assert talk.ask(b"USER " + name.encode()).startswith(b"+OK")
    assert talk.ask(b"PASS " + PASSWORD.encode()).startswith(b"+OK")
    return talk


def fetch(port: int, name: str, number: int = 1) -> list[bytes]:
    """Return a message's lines through a tunnel."""
    with login(port, name) as talk:
        assert talk.ask(b"RETR %d" % number).startswith(b"+OK")
        lines = talk.multiline()
        talk.ask(b"QUIT")
    return lines
