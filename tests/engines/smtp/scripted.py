# SPDX-License-Identifier: Apache-2.0
"""Runs the dialogues of the folder beside it. A line of a dialogue is one of:

# a remark
C: a line that the client sends; lines that follow each other go out in one burst;
   {b64 TEXT} stands for TEXT in base64, where | means NUL
C> "octets as they are, without a line end" * 2
C! the client closes
S: a line that the server must send next, word for word
S! the server must have closed
O: something happens on the owner's side:
   limits NAME=N ...         hold from the beginning
   exchanger [tls]           serves instead of submission; from the beginning
   answers EVENT CODE ENHANCED text...   once; ENHANCED may be -
   expires text...
   heard EVENT ...           exactly these came since the last time (content in one, no marks)
   login NAME PASSWORD...    the last AuthGiven
   sender PATH [ATTRIBUTE=VALUE ...]     of the last MailGiven
   recipient PATH [ATTRIBUTE=VALUE]      of the last RcptGiven
   name NAME                 of the last Introduced
   message "octets"          was taken next; each is asked for once
   no message                none was taken that was not asked for
"""

import ast
import base64
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from eepost.mail.reply import Reply
from eepost.wire.signals import Signal
from eepost.wire.smtp.events import (
    AuthGiven,
    ContentGiven,
    Introduced,
    MailGiven,
    Mark,
    RcptGiven,
)
from eepost.wire.smtp.limits import SmtpLimits
from eepost.wire.smtp.server import SmtpServer
from eepost.wire.smtp.service import SUBMISSION, exchanger
from tests.engines.smtp.owner import NAME, FakeOwner, converse

T = TypeVar("T")
FOLDER = Path(__file__).parent / "dialogues"
_BASE64 = re.compile(r"\{b64 ([^}]*)\}")


class Dialogue:
    """One run of one dialogue, with the client's bursts cut into pieces."""

    def __init__(self, piece_octets: int) -> None:
        self._piece_octets = piece_octets
        self._owner = FakeOwner()
        self._limits: dict[str, int] = {}
        self._service = SUBMISSION
        self._server: SmtpServer | None = None
        self._burst = b""
        self._unread = b""
        self._heard = 0

    def run(self, text: str) -> None:
        for number, line in enumerate(text.splitlines(), 1):
            if line and not line.startswith("#"):
                try:
                    self._step(line[:2], line[3:])
                except Exception as fault:
                    raise AssertionError(f"line {number}: {line}: {fault}") from fault
        self._flush()
        assert self._unread == b"", f"more came: {self._unread!r}"

    def _step(self, kind: str, rest: str) -> None:
        steps: Mapping[str, Callable[[str], None]] = {
            "C:": lambda line: self._say(_expand(line).encode() + b"\r\n"),
            "C>": lambda literal: self._say(_octets(literal)),
            "C!": lambda _: self._flush(closes=True),
            "S:": self._expect,
            "S!": lambda _: self._expect_close(),
            "O:": self._happen,
        }
        steps[kind](rest)

    def _engine(self) -> SmtpServer:
        if self._server is None:
            self._server = SmtpServer(SmtpLimits(**self._limits), NAME, self._service)
            self._unread += converse(self._server, self._owner)
        return self._server

    def _say(self, octets: bytes) -> None:
        self._engine()
        assert self._unread == b"", f"came before: {self._unread!r}"
        self._burst += octets

    def _flush(self, closes: bool = False) -> None:
        server = self._engine()
        burst, self._burst = self._burst, b""
        for at in range(0, len(burst), self._piece_octets):
            server.receive(burst[at : at + self._piece_octets])
            self._unread += converse(server, self._owner)
        if closes:
            server.receive_eof()
        self._unread += converse(server, self._owner)

    def _expect(self, line: str) -> None:
        self._flush()
        got, end, self._unread = self._unread.partition(b"\r\n")
        assert got + end == line.encode() + b"\r\n", f"got {got + end!r}"

    def _expect_close(self) -> None:
        self._flush()
        assert self._unread == b"", f"more came: {self._unread!r}"
        assert self._engine().next_event() is Signal.CLOSED, "it stays open"

    def _happen(self, line: str) -> None:
        what, _, rest = line.partition(" ")
        if what == "exchanger":
            self._service = exchanger("As in RFC 5321", offers_tls=rest == "tls")
        elif what == "limits":
            for limit in rest.split():
                name, _, value = limit.partition("=")
                self._limits[name] = int(value)
        elif what == "answers" and rest.startswith("Connected"):
            self._answer(rest)
        else:
            self._flush()
            checks: Mapping[str, Callable[[str], None]] = {
                "answers": self._answer,
                "expires": self._expire,
                "heard": self._check_heard,
                "login": self._check_login,
                "name": self._check_name,
                "sender": self._check_sender,
                "recipient": self._check_recipient,
                "message": self._check_message,
                "no": lambda _: self._check_nothing(),
            }
            checks[what](rest)

    def _answer(self, line: str) -> None:
        event, code, enhanced, text = line.split(" ", 3)
        self._owner.answers[event] = Reply(int(code), enhanced.strip("-"), text)

    def _expire(self, text: str) -> None:
        server = self._engine()
        server.expire(Reply(421, "4.3.2", text))
        self._unread += converse(server, self._owner)

    def _check_heard(self, names: str) -> None:
        heard: list[str] = []
        for event in self._owner.events[self._heard :]:
            name = type(event).__name__
            if isinstance(event, Mark) or (isinstance(event, ContentGiven) and name in heard[-1:]):
                continue
            heard.append(name)
        self._heard = len(self._owner.events)
        assert heard == names.split(), f"heard {' '.join(heard)}"

    def _check_login(self, line: str) -> None:
        login, _, password = line.partition(" ")
        assert self._last(AuthGiven) == AuthGiven(login, password)

    def _check_name(self, name: str) -> None:
        assert self._last(Introduced).name == name

    def _check_sender(self, line: str) -> None:
        _check(self._last(MailGiven).reverse_path, line)

    def _check_recipient(self, line: str) -> None:
        _check(self._last(RcptGiven).recipient, line)

    def _check_message(self, literal: str) -> None:
        assert self._owner.delivered, "none was taken"
        content = self._owner.delivered.pop(0).content
        assert content == _octets(literal), f"took {content!r}"

    def _check_nothing(self) -> None:
        assert not self._owner.delivered, "a message was taken"

    def _last(self, kind: type[T]) -> T:
        return next(event for event in reversed(self._owner.events) if isinstance(event, kind))


def _check(value: object, line: str) -> None:
    path, *attributes = line.split(" ")
    address = getattr(value, "address")  # noqa: B009 - a sender's or a recipient's
    assert f"<{address or ''}>" == path, f"got {value}"
    for attribute in attributes:
        name, _, expected = attribute.partition("=")
        assert str(getattr(value, name)) == expected, f"got {value}"


def _expand(line: str) -> str:
    return _BASE64.sub(
        lambda found: base64.b64encode(found[1].replace("|", "\0").encode()).decode(), line
    )


def _octets(literal: str) -> bytes:
    """Return the octets of `"one" * 2 + "two"`."""
    octets = b""
    for part in re.findall(r'("(?:[^"\\]|\\.)*")(?: \* (\d+))?', literal):
        octets += ast.literal_eval("b" + part[0]) * int(part[1] or 1)
    return octets
