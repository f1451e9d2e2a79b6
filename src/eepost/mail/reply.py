# SPDX-License-Identifier: Apache-2.0
"""SMTP replies: a code, an enhanced status code of the same class, and text (RFC 5321 4.2)."""

import re
from dataclasses import dataclass, field

# RFC 5321 4.5.3.1.5: a reply line has at most 512 octets with its code and CRLF.
MAX_REPLY_LINE_OCTETS = 512

_ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")  # RFC 3463 2


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, with at least one line of text: some clients hang on a reply without any.

    `text` is public and constant; what went wrong inside never stands in it. Several lines are
    parted by a line feed. Raises `ValueError` where code and enhanced code are of different classes
    (RFC 2034 4), where a line is empty, too long or holds anything but printable ASCII.
    """

    code: int
    enhanced: str
    text: str
    octets: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 200 <= self.code <= 599:
            raise ValueError("a reply code has three digits and begins with 2, 3, 4 or 5")
        if self.enhanced and not _ENHANCED.fullmatch(self.enhanced):
            raise ValueError("an enhanced status code is class.subject.detail")
        if self.enhanced and self.enhanced[0] != str(self.code)[0]:
            raise ValueError("reply code and enhanced status code are of different classes")
        object.__setattr__(self, "octets", self._render())

    def _render(self) -> bytes:
        prefix = f"{self.enhanced} " if self.enhanced else ""
        lines = self.text.split("\n")
        rendered = b"".join(
            f"{self.code}{' ' if at == len(lines) - 1 else '-'}{prefix}{line}\r\n".encode("ascii")
            for at, line in enumerate(lines)
        )
        for line, wire in zip(lines, rendered.split(b"\r\n"), strict=False):
            if not line or not line.isprintable() or len(wire) + 2 > MAX_REPLY_LINE_OCTETS:
                raise ValueError("a reply line is printable, not empty and at most 512 octets long")
        return rendered

    @property
    def is_positive(self) -> bool:
        """The peer may go on: 2yz or 3yz."""
        return self.code < 400

    @property
    def is_transient(self) -> bool:
        """The peer may try again later: 4yz."""
        return 400 <= self.code < 500
