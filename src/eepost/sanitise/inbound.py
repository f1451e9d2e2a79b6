# SPDX-License-Identifier: Apache-2.0
"""What comes to a user, made harmless: nothing remote, nothing active, no foreign verdicts.

Trust: anybody on the Internet may have written the message.

Unlike mail that leaves, mail that comes stays as it is where it can: parts are replaced in place
and everything between them is passed as slices, so what is signed still verifies.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import field as attribute

from eepost.mail.charset import decode_text
from eepost.mail.header import Field
from eepost.mail.message import Bounds, Part, split_message
from eepost.mail.parameters import write_parameters
from eepost.mail.reply import Reply
from eepost.mail.transfer import decode_transfer, encode_base64, encode_quoted_printable
from eepost.mail.violation import PeerViolation
from eepost.sanitise.choices import DEFAULT, Choices, Dangerous
from eepost.sanitise.danger import is_dangerous
from eepost.sanitise.domains import Internalised
from eepost.sanitise.html import INBOUND, declared_charset, rebuild_html
from eepost.sanitise.html_cost import HtmlAllowance
from eepost.sanitise.html_words import extract_text
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.parts import is_file, part_name
from eepost.sanitise.rebuild.built import Piece
from eepost.sanitise.report import Tally
from eepost.sanitise.sent_ids import OriginalOf, with_originals
from eepost.sanitise.text import encode_text
from eepost.sanitise.threads import thread_ids

MALFORMED = Reply(554, "5.6.0", "The message is malformed or too complex")

# Octets of header in mail from the Internet: real mail stays under 16 kB.
MAX_HEADER_OCTETS = 65_536
# RFC 5322 2.1.1, without the line end; POP3 clients break on longer ones.
MAX_LINE_OCTETS = 998

# What stays of a header. Trace fields, foreign verdicts, receipts, pictures of the author and
# one-click hints go with all that is not named: each tells somebody something, or claims it.
_KEPT = frozenset(
    b"from sender reply-to to cc subject date message-id in-reply-to references mime-version "
    b"content-type content-transfer-encoding content-disposition content-language comments "
    b"keywords autocrypt auto-submitted list-id list-post list-unsubscribe list-help list-archive "
    b"list-subscribe list-owner precedence importance priority x-priority thread-topic".split()
)
# RFC 5322 3.6: may stand once. Two of them show one reader this and the next one that.
_ONCE = frozenset(
    b"from sender reply-to to cc subject date message-id in-reply-to references mime-version "
    b"content-type content-transfer-encoding content-disposition".split()
)
_LAST = frozenset((b"date", b"in-reply-to", b"references"))
_LISTS = frozenset((b"to", b"cc"))
_BLANK_LINE = re.compile(rb"[ \t]+\r\n")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")
_ACTIVE = re.compile(
    r"(?i)<\s*+(?:script|iframe|frame|object|embed|applet|form|input|link|base|svg|math|video|audio"
    r"|source|meta[^<>]*http-equiv|style|portal|img[^<>]*\ssrc\s*+=\s*+[\"']?\s*(?!cid:|[\"'\s]))"
    r"|\son[a-z]++\s*+=|javascript:|vbscript:|url\s*+\(|@import|background\s*+="
)
# Behind the name of a dangerous file: an extension that no system opens with anything.
_UNSAFE = ".unsafe"


_BOUNDS = Bounds(header_octets=MAX_HEADER_OCTETS)

# On its way in, before it is known whose choice counts about files that may run something.
UNDECIDED = Choices(dangerous=Dangerous.PASS)


@dataclass(frozen=True, slots=True)
class Inbound:
    """What the rules need to know besides the message."""

    randomness: Callable[[int], bytes]
    verdict: bytes = b""  # our own Authentication-Results field with its CRLF, or nothing
    choices: Choices = DEFAULT
    # Originals of identifiers that the user's own mail went out with; see `sent_ids`.
    original_of: OriginalOf | None = None
    bounds: Bounds = _BOUNDS
    internalised: Internalised | None = None  # at the core: how To and Cc are written there


def sanitise_from_internet(message: bytes | bytearray, context: Inbound) -> Sanitised | Refused:
    """Return `message` (CRLF lines) as it may go on to the core, or why it may not.

    SPF, DKIM and the like must have been judged before, on the original octets.
    """
    tally = Tally()
    message = _without_ends(message)
    try:
        if _BARE.search(message) is not None:
            return Refused(MALFORMED, tally.report())
        root = split_message(message, context.bounds)
    except PeerViolation:
        return Refused(MALFORMED, tally.report())
    settled = _settled(root.fields)
    if settled is None:
        return Refused(MALFORMED, tally.report())
    tally.add("doubled header field dropped", len(root.fields) - len(settled))
    header = _reduced(settled, tally)
    if context.internalised is not None:
        header = context.internalised.fields(header)
    body = _Harmless(message, context, tally).pieces(root, header)
    return Sanitised((context.verdict, *body), tally.report(), thread_ids(header))


def _without_ends(message: bytes | bytearray) -> bytes | bytearray:
    """Return a message without a line of blanks in front and NULs behind its last line.

    Programs that keep mail in files leave both. Readers differ in whether such a line ends the
    header; without it nothing is left to differ in.
    """
    if message.endswith(b"\0") and message.rstrip(b"\0").endswith(b"\r\n"):
        message = message.rstrip(b"\0")
    blank = _BLANK_LINE.match(message)
    return message if blank is None else message[blank.end() :]


def _settled(fields: list[Field]) -> list[Field] | None:
    """Return a header in which each field stands as often as it may; None where that takes sides.

    Equal copies are one. Of dates and identifiers the last one stays, as signatures cover it (RFC
    6376 5.4.2). Several To are one list (RFC 5322 4.5.3). Any other field that stands twice, and
    above all From, would show one reader this and the next one that.
    """
    kept: dict[bytes, Field] = {}
    settled = []
    for field in fields:
        lower = field[0].lower()
        before = kept.get(lower)
        if lower not in _ONCE or before is None:
            settled.append(field)
            kept.setdefault(lower, field)
        elif lower in _LAST:
            settled[settled.index(before)] = kept[lower] = field
        elif lower in _LISTS:
            joined = (*before[:2], before[2].rstrip(b"\r\n") + b",\r\n " + field[2].lstrip())
            settled[settled.index(before)] = kept[lower] = joined
        elif lower == b"from" or before[2].split() != field[2].split():
            return None
    return settled


def sanitise_to_user(message: bytes | bytearray, context: Inbound) -> Sanitised | Refused:
    """Return `message` as its reader gets it: harmless whoever sent it; its header stays."""
    tally = Tally()
    try:
        root = split_message(message, context.bounds)
    except PeerViolation:
        return Refused(MALFORMED, tally.report())
    header = [each for each in root.fields if each[0].lower() not in _REMOTE]
    tally.add("header field dropped", len(root.fields) - len(header))
    if context.original_of is not None:
        header = with_originals(header, context.original_of)
    body = _Harmless(message, context, tally).pieces(root, header)
    return Sanitised(tuple(body), tally.report(), thread_ids(root.fields))


def _reduced(fields: list[Field], tally: Tally) -> list[Field]:
    kept = [each for each in fields if each[0].lower() in _KEPT]
    tally.add("header field dropped", len(fields) - len(kept))
    return kept


@dataclass(slots=True)
class _Harmless:
    message: bytes | bytearray
    context: Inbound
    tally: Tally
    html: HtmlAllowance = attribute(default_factory=HtmlAllowance)

    def pieces(self, root: Part, fields: list[Field]) -> list[Piece]:
        """Return the message with `fields` as its header and each part as it may be read."""
        replaced = self._replacement(root)
        if replaced is not None:
            described = [each for each in fields if not each[0].lower().startswith(b"content-")]
            return [_folded(described), *replaced]
        return [_folded(fields), b"\r\n", *self._body(root)]

    def _part(self, part: Part) -> list[Piece]:
        replaced = self._replacement(part)
        if replaced is not None:
            return replaced
        kept = [each for each in part.fields if each[0].lower() not in _REMOTE]
        self.tally.add("part field dropped", len(part.fields) - len(kept))
        return [_folded(kept), b"\r\n", *self._body(part)]

    def _body(self, part: Part) -> list[Piece]:
        """Return the body of a part with its children replaced; all else as slices."""
        view = memoryview(self.message)
        if part.content_type.value in _SEALED or not part.children:
            return [view[part.body_start : part.end]]
        pieces: list[Piece] = []
        at = part.body_start
        for child in part.children:
            pieces += [view[at : child.start], *self._part(child)]
            at = child.end
        return [*pieces, view[at : part.end]]

    def _replacement(self, part: Part) -> list[Piece] | None:
        """Return header and body that stand for a part, None where it may stay as it is."""
        kind = part.content_type.value
        if kind == "multipart/signed":
            return self._signed(part)
        return None if part.children or kind in _SEALED else self._leaf(part, kind)

    def _leaf(self, part: Part, kind: str) -> list[Piece] | None:
        content = self._content(part)
        if kind == "text/html" and not is_file(part):
            return self._html(part, content)
        if kind == "message/external-body":
            self.tally.add("reference neutralised")
            return _note("A part was removed: it referred to something elsewhere.")
        if kind == "message/partial":
            # Put together again it would be a message that nobody looked into (RFC 2046 5.2.2).
            self.tally.add("reference neutralised")
            return _file("piece-of-a-message.eml" + _UNSAFE, content)
        if kind in _MESSAGES:
            return self._packed_message(content)
        name = part_name(part)
        if is_file(part) and not name.endswith(_UNSAFE) and is_dangerous(name, content):
            return self._dangerous(part, content)
        return self._short_lines(part, content)

    def _content(self, part: Part) -> bytes:
        octets = bytes(memoryview(self.message)[part.body_start : part.end])
        return decode_transfer(octets, part.transfer_encoding)

    def _packed_message(self, content: bytes) -> list[Piece]:
        """Return a message that came in base64, which RFC 2046 5.2.1 forbids and readers open."""
        message = _LINE_END.sub(b"\r\n", content)
        try:
            root = split_message(message, Bounds(depth=_DEPTH_WHEN_PACKED))
        except PeerViolation:
            return _file("message.eml" + _UNSAFE, content)
        kept = [each for each in root.fields if each[0].lower() not in _REMOTE]
        self.tally.add("nested message unpacked")
        inner = _Harmless(message, self.context, self.tally).pieces(root, kept)
        return [b"Content-Type: message/rfc822\r\n\r\n", *inner]

    def _html(self, part: Part, content: bytes) -> list[Piece]:
        charset = part.content_type.get("charset") or declared_charset(content)
        rebuilt = rebuild_html(decode_text(content, charset), _own_picture, INBOUND, self.html)
        self.tally.add("HTML made harmless")
        encoded = encode_text(rebuilt.encode("utf-8", "replace"))
        content_id = part.raw(b"content-id")
        named = b"Content-ID:%s" % content_id if content_id is not None else b""
        head = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n%s\r\n"
        return [head % (encoded.encoding, named), encoded.octets]

    def _short_lines(self, part: Part, content: bytes) -> list[Piece] | None:
        if not _has_long_lines(bytes(memoryview(self.message)[part.body_start : part.end])):
            return None
        self.tally.add("long lines encoded")
        kept = [each for each in part.fields if each[0].lower() in _DESCRIBING]
        head = _folded(kept)
        if part.main_type == "text" and part.transfer_encoding != b"base64":
            octets = encode_quoted_printable(content)
            return [head + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n", octets]
        return [head + b"Content-Transfer-Encoding: base64\r\n\r\n", encode_base64(content)]

    def _dangerous(self, part: Part, content: bytes) -> list[Piece] | None:
        choice = self.context.choices.dangerous
        self.tally.add("dangerous file")
        if choice is Dangerous.PASS:
            return self._short_lines(part, content)
        if choice is Dangerous.DROP:
            return _note("A file was removed: it could have run something when opened.")
        return _file((part_name(part) or "file") + _UNSAFE, content)

    def _signed(self, part: Part) -> list[Piece] | None:
        """Return what is shown instead of signed mail with active HTML, None for any other.

        The signature covers the HTML, so it can't be made harmless; its words are shown, and the
        whole signed part goes along as a file that no program opens by itself.
        """
        words = []
        is_active = False
        for leaf in part.walk():
            if leaf.content_type.value == "text/html" and not leaf.children:
                content = self._content(leaf)
                charset = leaf.content_type.get("charset") or declared_charset(content)
                text = decode_text(content, charset)
                is_active = is_active or _ACTIVE.search(text) is not None
                words.append(extract_text(text, self.html))
        if not is_active:
            return None
        self.tally.add("signed active HTML set aside")
        boundary = self.context.randomness(20).hex().encode("ascii")
        text = "\r\n".join("\n\n".join(words).split("\n")) + "\r\n"
        encoded = encode_text(text.encode("utf-8", "replace"))
        original = bytes(memoryview(self.message)[part.start : part.end])
        return [
            b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n--%s\r\n" % (boundary, boundary),
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ",
            encoded.encoding + b"\r\n\r\n" + encoded.octets,
            b"\r\n--%s\r\n" % boundary,
            *_file("signed-original.eml" + _UNSAFE, original),
            b"\r\n--%s--\r\n" % boundary,
        ]


_MESSAGES = frozenset(("message/rfc822", "message/global", "message/news"))
_LINE_END = re.compile(rb"\r\n|\r|\n")
_DEPTH_WHEN_PACKED = 10
_SEALED = frozenset(("multipart/signed", "multipart/encrypted"))
# They make a reader resolve what stands in a part against a server (RFC 2557 4).
_REMOTE = frozenset((b"content-base", b"content-location"))
_DESCRIBING = frozenset((b"content-type", b"content-disposition", b"content-id"))


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


def _folded(fields: list[Field]) -> bytes:
    """Return fields as they stand, with lines over the limit folded.

    Lines of nothing but blanks go: to some programs they end the header (RFC 5322 4.2).
    """
    octets = b"".join(name + colon + value for name, colon, value in fields)
    if not octets.endswith(b"\r\n") and octets:
        octets += b"\r\n"
    octets = _BLANK_LINES.sub(b"", octets)
    if not _has_long_lines(octets):
        return octets
    return b"\r\n".join(piece for line in octets.split(b"\r\n") for piece in _cut(line))


_BLANK_LINES = re.compile(rb"\r\n[ \t]+(?=\r\n)")


def _cut(line: bytes) -> Iterator[bytes]:
    """Yield a line in pieces: cut at blanks where it has some, or else where the limit is."""
    while len(line) > MAX_LINE_OCTETS:
        at = max(line.rfind(b" ", 1, MAX_LINE_OCTETS), line.rfind(b"\t", 1, MAX_LINE_OCTETS))
        if at < 0:
            at = MAX_LINE_OCTETS - 1
            line = line[:at] + b" " + line[at:]
        yield line[:at]
        line = line[at:]
    yield line


def _has_long_lines(octets: bytes) -> bool:
    return max(map(len, octets.split(b"\r\n"))) > MAX_LINE_OCTETS
