# SPDX-License-Identifier: Apache-2.0
"""What clients say: a submission, a fetch, a poll, a login. The same octets for every server.

SMTP waits for each answer, as ordinary clients do. RETR goes out in one burst, as the mail client
that is common inside I2P does; one at a time, the generator would be what is measured.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.load import WrongAnswer

END = b"\r\n.\r\n"
"""Ends a multi-line POP3 answer; dot-stuffing keeps it out of every message (RFC 1939 3)."""

_EHLO = b"EHLO bench-host.invalid\r\n"


@dataclass(frozen=True, slots=True)
class Login:
    """An account of the load."""

    user: bytes  # a full address, which every server here takes for a login
    password: bytes

    @property
    def plain(self) -> bytes:
        """The command that logs in at SMTP (RFC 4954 4, RFC 4616)."""
        secret = base64.b64encode(b"\0" + self.user + b"\0" + self.password)
        return b"AUTH PLAIN " + secret + b"\r\n"


class _ReplyByReply:
    """Sends a command once the last one is answered with the code that it must have."""

    __slots__ = ("_at", "_heard", "_steps")

    def __init__(self, steps: tuple[tuple[bytes, bytes | None], ...]) -> None:
        self._heard = b""
        self._at = 0
        self._steps = steps  # (code of the answer, what to send then or None at the end)

    def answer(self, chunk: bytes) -> bytes | None:
        """Return the next command, None at the end. Raises WrongAnswer."""
        heard = self._heard + chunk if self._heard else chunk
        if not _is_whole_reply(heard):
            self._heard = heard
            return b""
        wanted, command = self._steps[self._at]
        if not heard.startswith(wanted):
            raise WrongAnswer(f"{type(self).__name__} step {self._at} got {heard[:200]!r}")
        self._heard = b""
        self._at += 1
        return command


class Submission(_ReplyByReply):
    """One message on a connection of its own: EHLO, AUTH PLAIN, MAIL, RCPT, DATA, QUIT."""

    __slots__ = ()

    def __init__(self, sender: Login, recipient: bytes, letter: bytes) -> None:
        super().__init__(
            (
                (b"220", _EHLO),
                (b"250", sender.plain),
                (b"235", b"MAIL FROM:<" + sender.user + b">\r\n"),
                (b"250", b"RCPT TO:<" + recipient + b">\r\n"),
                (b"250", b"DATA\r\n"),
                (b"354", letter),
                (b"250", b"QUIT\r\n"),
                (b"221", None),
            )
        )


class Delivery(_ReplyByReply):
    """One message by LMTP (RFC 2033): fills the maildrops of a server that takes no submission."""

    __slots__ = ()

    def __init__(self, sender: Login, recipient: bytes, letter: bytes) -> None:
        super().__init__(
            (
                (b"220", b"LHLO bench\r\n"),
                (b"250", b"MAIL FROM:<" + sender.user + b">\r\n"),
                (b"250", b"RCPT TO:<" + recipient + b">\r\n"),
                (b"250", b"DATA\r\n"),
                (b"354", letter),
                (b"250", b"QUIT\r\n"),
                (b"221", None),
            )
        )


class SmtpLogin(_ReplyByReply):
    """Logs in by SMTP and is over then; its connection may be kept."""

    __slots__ = ()

    def __init__(self, login: Login) -> None:
        super().__init__(((b"220", _EHLO), (b"250", login.plain), (b"235", None)))


def _is_whole_reply(heard: bytes) -> bool:
    """Tell whether the last line is there and says that it is the last (RFC 5321 4.2.1)."""
    if heard[-2:] != b"\r\n":
        return False
    last_line_at = heard.rfind(b"\n", 0, -1) + 1
    return heard[last_line_at + 3 : last_line_at + 4] != b"-"


class _Pop3Dialogue:
    """USER, PASS and then whatever a subclass says."""

    __slots__ = ("_at", "_login", "heard", "next_step")

    def __init__(self, login: Login) -> None:
        self._login = login
        self.heard = b""
        self.next_step: Callable[[], bytes | None] = self._greeted

    def answer(self, chunk: bytes) -> bytes | None:
        """Return the next command once the last one's answer is there."""
        self.heard = self.heard + chunk if self.heard else chunk
        return self.next_step()

    def line(self) -> bytes | None:
        """Take the answer, one line, off what was heard; None when it is not all there.

        Raises WrongAnswer when it is not `+OK`.
        """
        heard = self.heard
        if heard[-2:] != b"\r\n":
            return None
        if not heard.startswith(b"+OK"):
            raise WrongAnswer(f"POP3 answered {heard[:200]!r}")
        self.heard = b""
        return heard

    def _greeted(self) -> bytes | None:
        if self.line() is None:
            return b""
        self.next_step = self._named
        return b"USER " + self._login.user + b"\r\n"

    def _named(self) -> bytes | None:
        if self.line() is None:
            return b""
        self.next_step = self.logged_in
        return b"PASS " + self._login.password + b"\r\n"

    def logged_in(self) -> bytes | None:
        """Go on after the answer to PASS."""
        raise NotImplementedError

    def ended(self) -> bytes | None:
        """Go on after the answer to QUIT."""
        return b"" if self.line() is None else None


class Pop3Login(_Pop3Dialogue):
    """Logs in by POP3 and is over then; its connection may be kept."""

    __slots__ = ()

    def logged_in(self) -> bytes | None:
        """End at the answer to PASS."""
        return b"" if self.line() is None else None


class Poll(_Pop3Dialogue):
    """Asks an empty maildrop: USER, PASS, STAT, QUIT."""

    __slots__ = ()

    def logged_in(self) -> bytes | None:
        """Ask how full the maildrop is."""
        if self.line() is None:
            return b""
        self.next_step = self._counted
        return b"STAT\r\n"

    def _counted(self) -> bytes | None:
        line = self.line()
        if line is None:
            return b""
        if not line.startswith(b"+OK 0 0"):
            raise WrongAnswer(f"the maildrop should be empty, STAT said {line!r}")
        self.next_step = self.ended
        return b"QUIT\r\n"


Inspect = Callable[[Sequence[bytes]], None]
"""Gets a maildrop's messages as they came (dot-stuffed, without the last CRLF), or raises."""


class Fetch(_Pop3Dialogue):
    """Reads everything: USER, PASS, STAT, UIDL, all RETR in one burst, QUIT."""

    __slots__ = ("_chunks", "_ends", "_inspect", "_tail", "count", "octets")

    def __init__(self, login: Login, inspect: Inspect) -> None:
        super().__init__(login)
        self._inspect = inspect
        self._chunks: list[bytes] = []
        self._ends = 0
        self._tail = b""
        self.count = 0
        self.octets = 0

    def answer(self, chunk: bytes) -> bytes | None:
        """Return the next command; a burst's answers are gathered, not joined chunk by chunk."""
        if self.next_step == self._gathering:
            return self._gather(chunk)
        return super().answer(chunk)

    def logged_in(self) -> bytes | None:
        """Ask how full the maildrop is."""
        if self.line() is None:
            return b""
        self.next_step = self._counted
        return b"STAT\r\n"

    def _counted(self) -> bytes | None:
        line = self.line()
        if line is None:
            return b""
        self.count, self.octets = (int(number) for number in line.split()[1:3])
        self.next_step = self._listed
        return b"UIDL\r\n"

    def _listed(self) -> bytes | None:
        if not self.heard.endswith(END):
            return b""
        uids = {line.partition(b" ")[2] for line in self.heard.split(b"\r\n")[1:-2]}
        if len(uids) != self.count:
            raise WrongAnswer(f"STAT said {self.count} messages, UIDL {len(uids)} unique-ids")
        self.heard = b""
        if not self.count:
            return self.retrieved(())
        self.next_step = self._gathering
        return b"".join([b"RETR %d\r\n" % number for number in range(1, self.count + 1)])

    def _gathering(self) -> bytes | None:
        return b""

    def _gather(self, chunk: bytes) -> bytes | None:
        seam = self._tail + chunk[:4]
        self._ends += chunk.count(END) + seam.count(END)
        self._tail = (seam if len(chunk) < 4 else chunk)[-4:]
        self._chunks.append(chunk)
        if self._ends < self.count:
            return b""
        answers = b"".join(self._chunks).split(END)
        if len(answers) != self.count + 1 or answers.pop():
            raise WrongAnswer(f"{self.count} RETR got {len(answers)} answers")
        self._chunks = []
        return self.retrieved([_message_of(answer) for answer in answers])

    def retrieved(self, messages: Sequence[bytes]) -> bytes | None:
        """Check that the octets are those of STAT and go on."""
        octets = sum(map(len, messages)) + 2 * len(messages)  # no letter has a dot to stuff
        if octets != self.octets:
            raise WrongAnswer(f"STAT said {self.octets} octets, RETR gave {octets}")
        self._inspect(messages)
        self.next_step = self.ended
        return b"QUIT\r\n"


def _message_of(answer: bytes) -> bytes:
    if not answer.startswith(b"+OK"):
        raise WrongAnswer(f"RETR got {answer[:200]!r}")
    return answer[answer.index(b"\n") + 1 :]
