# SPDX-License-Identifier: Apache-2.0
"""Runs the dialogues of the folder beside it. A line of a dialogue is one of:

# a remark
C: a line that the client sends; lines that follow each other go out in one burst
C> "octets as they are, without a line end"
C! the client closes
S: a line that the server must send next, word for word
S! the server must have closed
O: something happens on the owner's side:
   message "octets"     lies in the maildrop from the beginning
   arrives "octets"     lies there when the owner is asked next
   gone N | broken N    message N was deleted elsewhere | can be read only half
   refuses EVENT CODE text...   (CODE may be -)
   expires text...
   removed N...         exactly these messages must have been deleted by now
"""

import ast
from collections.abc import Callable, Mapping
from pathlib import Path

from eepost.wire.pop3.events import Refused, ResponseCode
from eepost.wire.pop3.limits import Pop3Limits
from eepost.wire.pop3.server import Pop3Server
from eepost.wire.signals import Signal
from tests.engines.pop3.owner import FakeOwner, converse

FOLDER = Path(__file__).parent / "dialogues"


class Dialogue:
    """One run of one dialogue, with the client's bursts cut into pieces."""

    def __init__(self, piece_octets: int) -> None:
        self._piece_octets = piece_octets
        self._owner = FakeOwner(chunk_octets=piece_octets)
        self._server = Pop3Server(Pop3Limits())
        self._burst = b""
        self._unread = b""
        self._is_started = False

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
        self._start(rest if kind == "O:" else "")
        steps: Mapping[str, Callable[[str], None]] = {
            "C:": lambda line: self._say(line.encode() + b"\r\n"),
            "C>": lambda literal: self._say(ast.literal_eval("b" + literal)),
            "C!": lambda _: self._flush(closes=True),
            "S:": self._expect,
            "S!": lambda _: self._expect_close(),
            "O:": self._happen,
        }
        steps[kind](rest)

    def _start(self, happening: str) -> None:
        """The greeting comes as soon as the dialogue is past the maildrop's description."""
        if not self._is_started and not happening.startswith(("message", "refuses Connected")):
            self._is_started = True
            self._unread += converse(self._server, self._owner)

    def _say(self, octets: bytes) -> None:
        assert self._unread == b"", f"came before: {self._unread!r}"
        self._burst += octets

    def _flush(self, closes: bool = False) -> None:
        burst, self._burst = self._burst, b""
        for at in range(0, len(burst), self._piece_octets):
            self._server.receive(burst[at : at + self._piece_octets])
            if at + self._piece_octets < len(burst):
                self._unread += converse(self._server, self._owner)
        if closes:
            self._server.receive_eof()
        self._unread += converse(self._server, self._owner)

    def _expect(self, line: str) -> None:
        self._flush()
        got, end, self._unread = self._unread.partition(b"\r\n")
        assert got + end == line.encode() + b"\r\n", f"got {got + end!r}"

    def _expect_close(self) -> None:
        self._flush()
        assert self._unread == b"", f"more came: {self._unread!r}"
        assert self._server.next_event() is Signal.CLOSED, "it stays open"

    def _happen(self, line: str) -> None:
        if self._is_started:
            self._flush()
        what, _, rest = line.partition(" ")
        owner = self._owner
        if what == "message":
            owner.messages.append(ast.literal_eval("b" + rest))
        elif what == "arrives":
            owner.arriving.append(ast.literal_eval("b" + rest))
        elif what in {"gone", "broken"}:
            getattr(owner, what).add(int(rest) - 1)
        elif what == "refuses":
            event, code, text = rest.split(" ", 2)
            owner.refusals[event] = Refused(text, None if code == "-" else ResponseCode(code))
        elif what == "expires":
            self._server.expire(rest)
            self._unread += converse(self._server, owner)
        else:
            assert what == "removed"
            assert owner.removed == {int(number) - 1 for number in rest.split()}
