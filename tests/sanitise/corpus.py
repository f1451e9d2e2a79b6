# SPDX-License-Identifier: Apache-2.0
"""Real messages of many mail programs, from a folder that may lie beside the checkout."""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / ".." / "shared" / "corpus" / "open"
COUNT = 827

_LINE_END = re.compile(rb"\r\n|\r|\n")
_HEADER = re.compile(
    rb"(?:>?From [^\r\n]*\r\n)?((?:[!-9;-~]+[ \t]*:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)*)"
)
_FROM = re.compile(rb"^from[ \t]*:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", re.I | re.M)


@dataclass(frozen=True, slots=True)
class RealMessage:
    """A file's name and its octets with CRLF line ends."""

    name: str
    octets: bytes

    def as_submitted_by(self, address: str) -> bytes:
        """Return the message as if its author had been `address`."""
        header = _HEADER.match(self.octets)
        assert header is not None
        fields = _FROM.sub(b"", header[1])
        rest = self.octets[header.end() :]
        if rest[:1] in (b" ", b"\t"):  # a message without header must not go on in ours
            rest = b"\r\n" + rest
        return b"From: <%s>\r\n" % address.encode() + fields + rest


@functools.cache
def real_messages() -> list[RealMessage]:
    """Return all messages, or skip the test that asks where the folder is missing."""
    if not FOLDER.is_dir():
        pytest.skip(f"the folder of {COUNT} real messages is not beside this checkout")
    files = sorted(FOLDER.rglob("*.eml"))
    assert len(files) == COUNT
    return [
        RealMessage(str(each.relative_to(FOLDER)), _LINE_END.sub(b"\r\n", each.read_bytes()))
        for each in files
    ]
