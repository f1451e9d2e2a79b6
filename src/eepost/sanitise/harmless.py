# SPDX-License-Identifier: Apache-2.0
"""Parts of a message made harmless to read, each in its place; all between them stays as it is.

Trust: anybody may have written the message.

What is signed is passed as a slice, so it still verifies.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from dataclasses import field as attribute

from eepost.mail.charset import decode_text
from eepost.mail.header import Field
from eepost.mail.message import MAX_PARTS, Bounds, Part, split_message
from eepost.mail.parameters import write_parameters
from eepost.mail.transfer import encode_base64, encode_quoted_printable
from eepost.mail.violation import PeerViolation
from eepost.sanitise.choices import Dangerous
from eepost.sanitise.edges import Edges
from eepost.sanitise.events import TYPES as EVENTS
from eepost.sanitise.events import without_pages
from eepost.sanitise.html import INBOUND, rebuild_html
from eepost.sanitise.html_cost import HtmlAllowance
from eepost.sanitise.leaves import (
    DEPTH_WHEN_PACKED,
    LINE_END,
    MAX_PACKINGS,
    REPORTS,
    UNSAFE,
    content_of,
    is_opaque,
    is_page,
    may_run,
    text_of,
)
from eepost.sanitise.long_lines import folded, has_long_lines
from eepost.sanitise.one_reading import with_one_reading
from eepost.sanitise.opaque import signed_content
from eepost.sanitise.parts import part_name
from eepost.sanitise.rebuild.built import Piece
from eepost.sanitise.report import Tally
from eepost.sanitise.signed_mail import SignedMail
from eepost.sanitise.text import Encoded, encode_text


@dataclass(slots=True)
class Allowance:
    """What making one message harmless may still cost; messages packed in it take from the same."""

    parts: int = MAX_PARTS  # of messages that had to be decoded before anybody could count them
    html: HtmlAllowance = attribute(default_factory=HtmlAllowance)


@dataclass(slots=True)
class Harmless:
    """Makes one message harmless; `message` is the octets that `Part` speaks of.

    With `warns`, a dangerous file that passes by choice says so.
    """

    message: bytes | bytearray
    dangerous: Dangerous
    randomness: Callable[[int], bytes]
    tally: Tally
    warns: bool = False
    allowance: Allowance = attribute(default_factory=Allowance)
    packings: int = 0  # how many packed messages it stands in
    edges: Edges = attribute(default_factory=Edges)  # of the multiparts around what is at hand

    def pieces(self, root: Part, fields: list[Field]) -> list[Piece]:
        """Return the message with `fields` as its header and each part as it may be read.

        The first piece is the whole header with its empty line.
        """
        replaced = self._replacement(root)
        if replaced is None:
            return [folded(self._settled(root, fields)) + b"\r\n", *self._body(root)]
        described = [each for each in fields if not each[0].lower().startswith(b"content-")]
        return [b"".join((folded(described), replaced[0])), *replaced[1:]]

    def _part(self, part: Part) -> list[Piece]:
        if part.start == part.end:
            return []  # two delimiters in a row
        replaced = self._replacement(part)
        if replaced is not None:
            return replaced
        kept = [each for each in part.fields if each[0].lower() not in REMOTE]
        self.tally.add("part field dropped", len(part.fields) - len(kept))
        return [folded(self._settled(part, kept)) + b"\r\n", *self._body(part)]

    def _settled(self, part: Part, fields: list[Field]) -> list[Field]:
        """Return `fields` as all readers take them, and none that looks like the edge of a part."""
        kept = [each for each in fields if not self.edges.stand_in(each[0])]
        return with_one_reading(part, kept)

    def _body(self, part: Part) -> list[Piece]:
        """Return the body of a part with its children replaced; all else as slices."""
        view = memoryview(self.message)
        if part.content_type.value == _SIGNED or not part.children:
            return [view[part.body_start : part.end]]
        around, pieces, at = self.edges, list[Piece](), part.body_start
        if part.main_type == "multipart":
            self.edges = around.inside(part)
        for child in part.children:
            pieces += [self._gap(part, at, child.start), *self._part(child)]
            at = child.end
        pieces.append(self._gap(part, at, part.end))
        self.edges = around
        return pieces

    def _gap(self, part: Part, start: int, end: int) -> Piece:
        made = None
        if part.main_type == "multipart":
            is_last = start == part.children[-1].end and end == part.end
            made = self.edges.gap(self.message, start, end, is_last=is_last)
        return memoryview(self.message)[start:end] if made is None else made

    def _replacement(self, part: Part) -> list[Piece] | None:
        """Return header and body that stand for a part, None where it may stay as it is."""
        if part.children:
            return self._signed(part) if part.content_type.value == _SIGNED else None
        return self._leaf(part, part.content_type.value)

    def _leaf(self, part: Part, kind: str) -> list[Piece] | None:
        content = content_of(self.message, part)
        if is_page(part):
            return self._html(part, content)
        if part.main_type == "message" and kind not in REPORTS:
            return self._message(kind, content)
        if part.main_type == "multipart":
            # No edge of a part in it: where one reader sees nothing, the next looks for parts.
            return self._words(decode_text(content))
        if is_opaque(part):
            return self._opaque(part, content)
        if may_run(part, content):
            return self._dangerous(part, content)
        return self._event(part, content) if kind in EVENTS else self._short_lines(part, content)

    def _event(self, part: Part, content: bytes) -> list[Piece] | None:
        octets = without_pages(content)
        if octets is None:
            return self._short_lines(part, content)
        if not octets:
            return _file("event.ics" + UNSAFE, content)
        self.tally.add("HTML made harmless")
        kept = [each for each in part.fields if each[0].lower() in _DESCRIBING]
        head = folded(self._settled(part, kept)) + b"Content-Transfer-Encoding: base64\r\n\r\n"
        return [head, encode_base64(octets)]

    def _message(self, kind: str, content: bytes) -> list[Piece]:
        """Return what stands for a message that was not split; readers open all that is one."""
        if kind in _MESSAGES:
            return self._packed_message(content)
        if kind == "message/external-body":
            self.tally.add("reference neutralised")
            return _note("A part was removed: it referred to something elsewhere.")
        if kind == "message/partial":
            # Put together again it would be a message that nobody looked into (RFC 2046 5.2.2).
            self.tally.add("reference neutralised")
            return _file("piece-of-a-message.eml" + UNSAFE, content)
        return _file("message.eml" + UNSAFE, content)

    def _packed_message(self, content: bytes) -> list[Piece]:
        """Return a message that came in base64, which RFC 2046 5.2.1 forbids and readers open."""
        message = LINE_END.sub(b"\r\n", content)
        try:
            if self.packings == MAX_PACKINGS:
                raise PeerViolation("messages packed in each other too often")
            bounds = Bounds(depth=DEPTH_WHEN_PACKED, parts=self.allowance.parts)
            root = split_message(message, bounds)
        except PeerViolation:
            return _file("message.eml" + UNSAFE, content)
        self.allowance.parts -= sum(1 for _ in root.walk())
        self.tally.add("nested message unpacked")
        inner = replace(self, message=message, packings=self.packings + 1)
        kept = [each for each in root.fields if each[0].lower() not in REMOTE]
        return [b"Content-Type: message/rfc822\r\n\r\n", *inner.pieces(root, kept)]

    def _html(self, part: Part, content: bytes) -> list[Piece]:
        text = text_of(part, content)
        rebuilt = rebuild_html(text, _own_picture, INBOUND, self.allowance.html)
        self.tally.add("HTML made harmless")
        encoded = self._encoded(rebuilt)
        content_id = part.raw(b"content-id")
        named = b"Content-ID:%s" % content_id if content_id is not None else b""
        if name := part_name(part):
            place = write_parameters(b"Content-Disposition", "inline", [("filename", name)])
            named = place + named
        head = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n%s\r\n"
        return [head % (encoded.encoding, named), encoded.octets]

    def _encoded(self, text: str) -> Encoded:
        """Return text (CRLF lines) so that no line of it looks like the edge of a part."""
        octets = text.encode("utf-8", "replace")
        encoded = encode_text(octets)
        if self.edges.stand_in(encoded.octets):
            return Encoded(b"base64", encode_base64(octets))
        return encoded

    def _words(self, text: str) -> list[Piece]:
        encoded = self._encoded("\r\n".join([*text.strip("\r\n").splitlines(), ""]))
        head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n"
        return [head % encoded.encoding, encoded.octets]

    def _short_lines(self, part: Part, content: bytes) -> list[Piece] | None:
        is_edged = self.edges.stand_in(self.message, part.body_start, part.end)
        if not is_edged and not has_long_lines(self.message, part.body_start, part.end):
            return None
        self.tally.add("long lines encoded")
        kept = [each for each in part.fields if each[0].lower() in _DESCRIBING]
        head = folded(self._settled(part, kept))
        if part.main_type == "text" and part.transfer_encoding != b"base64":
            octets = encode_quoted_printable(content)
            if not self.edges.stand_in(octets):
                return [head + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n", octets]
        return [head + b"Content-Transfer-Encoding: base64\r\n\r\n", encode_base64(content)]

    def _dangerous(self, part: Part, content: bytes) -> list[Piece] | None:
        self.tally.add("dangerous file")
        if self.dangerous is Dangerous.PASS:
            return self._warned(part, content) if self.warns else self._short_lines(part, content)
        if self.dangerous is Dangerous.DROP:
            return _note("A file was removed: it could have run something when opened.")
        return _file((part_name(part) or "file") + UNSAFE, content)

    def _warned(self, part: Part, content: bytes) -> list[Piece]:
        """Return a dangerous file as it is, with words that programs show beside its name."""
        pieces = self._short_lines(part, content)
        if pieces is None:
            kept = [each for each in part.fields if each[0].lower() in _KEPT]
            body = memoryview(self.message)[part.body_start : part.end]
            pieces = [folded(self._settled(part, kept)) + b"\r\n", body]
        return [b"".join((_WARNING, pieces[0])), *pieces[1:]]

    def _signed(self, part: Part) -> list[Piece] | None:
        """Return what is shown instead of signed mail that may do something, None for any other.

        The signature covers what does it, so it can't be made harmless; the words are shown, and
        the whole signed part goes along as a file that no program opens by itself.
        """
        signed = SignedMail(self.message, self.dangerous is Dangerous.PASS)
        if signed.does_nothing(part, self.edges):
            return None
        return self._set_aside(part, signed.words(part, self.allowance.html))

    def _opaque(self, part: Part, content: bytes) -> list[Piece] | None:
        """Return what is shown instead of S/MIME that may do something, None for any other."""
        words = ""
        try:
            inner = signed_content(content)
            if inner is None:
                return self._short_lines(part, content)
            signed = SignedMail(LINE_END.sub(b"\r\n", inner), self.dangerous is Dangerous.PASS)
            root = signed.split(self.allowance.parts)
            self.allowance.parts -= sum(1 for _ in root.walk())
            if signed.does_nothing(root, Edges()):
                return self._short_lines(part, content)
            words = signed.words(root, self.allowance.html)
        except PeerViolation:
            pass  # nobody can look through it
        return self._set_aside(part, words)

    def _set_aside(self, part: Part, words: str) -> list[Piece]:
        self.tally.add("signed active HTML set aside")
        boundary = self.randomness(20).hex().encode("ascii")
        original = bytes(memoryview(self.message)[part.start : part.end])
        return [
            b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n" % boundary,
            b"--%s\r\n" % boundary,
            *self._words(words),
            b"\r\n--%s\r\n" % boundary,
            *_file("signed-original.eml" + UNSAFE, original),
            b"\r\n--%s--\r\n" % boundary,
        ]


_MESSAGES = frozenset(("message/rfc822", "message/global", "message/news"))
_SIGNED = "multipart/signed"
# They make a reader resolve what stands in a part against a server (RFC 2557 4).
REMOTE = frozenset((b"content-base", b"content-location"))
_DESCRIBING = frozenset((b"content-type", b"content-disposition", b"content-id"))
_KEPT = _DESCRIBING | {b"content-transfer-encoding"}
_WARNING = b"Content-Description: Opening this file may run something\r\n"


def _own_picture(reference: str) -> str | None:
    return reference if reference[:4].lower() == "cid:" else None


def _note(text: str) -> list[Piece]:
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
    return [head, text.encode("ascii") + b"\r\n"]


def _file(name: str, content: bytes) -> list[Piece]:
    kind = write_parameters(b"Content-Type", "application/octet-stream")
    place = write_parameters(b"Content-Disposition", "attachment", [("filename", name)])
    return [
        kind + b"Content-Transfer-Encoding: base64\r\n" + place + b"\r\n",
        encode_base64(content),
    ]
