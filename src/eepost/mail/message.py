# SPDX-License-Identifier: Apache-2.0
"""Splits a message into a tree of parts; every part is spans of the original octets.

Trust: anybody may have written these octets.

Nothing is decoded and nothing is lost: `Part.spans` joined give the message back. All bounds are
checked before the work they bound; the time is linear in the size for each level of nesting.
Never the standard library's parser: it is not exact to the octet and not bounded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from eepost.mail.header import MAX_HEADER_OCTETS, Field, split_header
from eepost.mail.parameters import Parameters, parse_parameters
from eepost.mail.transfer import transfer_encoding
from eepost.mail.violation import PeerViolation

# Multiparts and messages inside each other: forwards of forwards reach about ten.
MAX_DEPTH = 30
# Octets of all headers together, those of parts included: reading one octet takes up to 0.25 us.
MAX_HEADERS_OCTETS = 4 * MAX_HEADER_OCTETS
# Lines that begin like a delimiter and are none, at all levels together: boundaries that begin
# alike give a few for each part, a short boundary one for each ruled line of a text.
MAX_LOOKALIKES = 50_000
# Parts in all: mail with hundreds of pictures exists, mail with thousands is an attack.
MAX_PARTS = 1_000

_DEFAULT = Parameters("text/plain", {})
_DEFAULT_IN_DIGEST = Parameters("message/rfc822", {})
_MESSAGES = frozenset(("message/rfc822", "message/global", "message/news"))
_PLAIN_ENCODINGS = frozenset((b"", b"7bit", b"8bit", b"binary"))


@dataclass(frozen=True, slots=True)
class Part:
    """A message or a part of one: spans into the octets it was split from.

    From `start` to `body_start` its header (with the empty line), from there to `end` its body.
    `children` are the parts of a multipart or the one message of message/rfc822; a multipart in
    which no delimiter stands has none.
    """

    start: int
    body_start: int
    end: int
    fields: list[Field]
    content_type: Parameters
    children: tuple["Part", ...] = ()

    def raw(self, name: bytes) -> bytes | None:
        """Return the raw value of the first field `name` (lower case), or None."""
        for each, _, value in self.fields:
            if each.lower() == name:
                return value
        return None

    @property
    def main_type(self) -> str:
        """What stands before the slash of the content type."""
        return self.content_type.value.partition("/")[0]

    @property
    def transfer_encoding(self) -> bytes:
        """The transfer encoding in lower case, b"" where none is given."""
        return transfer_encoding(self.raw(b"content-transfer-encoding"))

    def walk(self) -> Iterator["Part"]:
        """Yield the part and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def spans(self) -> Iterator[tuple[int, int]]:
        """Yield spans in order that cover the part: headers, bodies, and what lies between."""
        yield self.start, self.body_start
        at = self.body_start
        for child in self.children:
            yield at, child.start
            yield from child.spans()
            at = child.end
        yield at, self.end


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a message may hold."""

    header_octets: int = MAX_HEADER_OCTETS
    depth: int = MAX_DEPTH
    parts: int = MAX_PARTS


def split_message(message: bytes | bytearray, bounds: Bounds | None = None) -> Part:
    """Return the tree of `message` (CRLF lines). Raises PeerViolation beyond the bounds."""
    return _Splitter(message, bounds or Bounds()).split(0, len(message), 1, _DEFAULT)


class _Splitter:
    __slots__ = ("bounds", "headers_octets", "lookalikes", "message", "parts", "view")

    def __init__(self, message: bytes | bytearray, bounds: Bounds) -> None:
        self.message = message
        self.view = memoryview(message)
        self.bounds = bounds
        self.parts = self.headers_octets = self.lookalikes = 0

    def split(self, start: int, end: int, depth: int, default: Parameters) -> Part:
        self.parts += 1
        if depth > self.bounds.depth:
            raise PeerViolation("message nested too deeply")
        if self.parts > self.bounds.parts:
            raise PeerViolation("message has too many parts")
        header = split_header(self.view[start:end], self.bounds.header_octets)
        self.headers_octets += header.body_start
        if self.headers_octets > MAX_HEADERS_OCTETS:
            raise PeerViolation("message headers too long")
        body_start = start + header.body_start
        part = Part(start, body_start, end, header.fields, default)
        value = part.raw(b"content-type")
        content_type = _content_type(value) if value is not None else default
        children = self._children(part, content_type, depth)
        return Part(start, body_start, end, header.fields, content_type, children)

    def _children(self, part: Part, content_type: Parameters, depth: int) -> tuple[Part, ...]:
        kind = content_type.value
        if kind.startswith("multipart/"):
            default = _DEFAULT_IN_DIGEST if kind == "multipart/digest" else _DEFAULT
            boundary = boundary_of(content_type)
            spans = self._between_delimiters(part, boundary) if boundary else []
            return tuple(self.split(start, end, depth + 1, default) for start, end in spans)
        if kind in _MESSAGES and part.transfer_encoding in _PLAIN_ENCODINGS:
            return (self.split(part.body_start, part.end, depth + 1, _DEFAULT),)
        return ()

    def _between_delimiters(self, part: Part, boundary: bytes) -> list[tuple[int, int]]:
        """Return the spans of a multipart's children (RFC 2046 5.1.1)."""
        spans: list[tuple[int, int]] = []
        start = -1
        for line_start, next_line, is_close in self._delimiters(part, b"--" + boundary):
            if start >= 0:
                # The line end before a delimiter belongs to it, unless it ends the delimiter before
                spans.append((start, max(start, line_start - 2)))
                if len(spans) > self.bounds.parts:
                    raise PeerViolation("message has too many parts")
            start = next_line
            if is_close:
                return spans
        if start >= 0:
            spans.append((start, part.end))  # never closed: cut short on its way
        return spans

    def _delimiters(self, part: Part, marker: bytes) -> Iterator[tuple[int, int, bool]]:
        message, end = self.message, part.end
        at = part.body_start
        if not message.startswith(marker, at, end):
            at = self._next_line_with(marker, at, end)
        while at >= 0:
            line_end = message.find(b"\r\n", at, end)
            line_end = end if line_end < 0 else line_end
            rest = bytes(message[at + len(marker) : line_end]).rstrip(b" \t")
            if rest in {b"", b"--"}:
                yield at, min(line_end + 2, end), rest == b"--"
            else:
                self._count_lookalike()
            at = self._next_line_with(marker, line_end, end)

    def _count_lookalike(self) -> None:
        self.lookalikes += 1
        if self.lookalikes > MAX_LOOKALIKES:
            raise PeerViolation("too many lines that look like the edges of parts")

    def _next_line_with(self, marker: bytes, at: int, end: int) -> int:
        found = self.message.find(b"\r\n" + marker, at, end)
        return found + 2 if found >= 0 else -1


def boundary_of(content_type: Parameters) -> bytes:
    """Return the boundary of a multipart, b"" where there is none."""
    return content_type.get("boundary").rstrip().encode("utf-8")


# With words behind it, or in quotes, readers take it for what it begins with.
_TYPE = re.compile(r'[\s"]*+([a-z0-9!#$&^_.+-]++/[a-z0-9!#$&^_.+-]++)')


def _content_type(value: bytes) -> Parameters:
    content_type = parse_parameters(value)
    found = _TYPE.match(content_type.value)
    if found is not None and found[1] == content_type.value:
        return content_type
    # RFC 2045 5.2: what is no type is taken for plain text; parameters are kept.
    return Parameters(found[1] if found is not None else "text/plain", content_type.by_name)
