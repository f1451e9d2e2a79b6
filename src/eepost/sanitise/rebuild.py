# SPDX-License-Identifier: Apache-2.0
"""Bodies made anew: the tree of parts, each part by the rules of its type.

Trust: anybody with an account may have written the message.

What is signed or encrypted passes to the octet, as a slice; everything else is decoded, cleaned
and written in one way. What a part's header may hold is made here; nothing of it is copied.
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from eepost.mail.charset import decode_text
from eepost.mail.message import Bounds, Part, split_message
from eepost.mail.parameters import Parameters, write_parameters
from eepost.mail.reply import Reply
from eepost.mail.transfer import decode_transfer, encode_base64
from eepost.sanitise.armor import strip_armor_headers
from eepost.sanitise.choices import Choices, Html, OnFailure
from eepost.sanitise.files.outcome import Unclean
from eepost.sanitise.files.strip import strip_file
from eepost.sanitise.files.tnef import MAGIC as TNEF
from eepost.sanitise.files.tnef import Unpacked, unpack_tnef
from eepost.sanitise.html import declared_charset, extract_text, rebuild_html
from eepost.sanitise.names import file_name, file_type
from eepost.sanitise.parts import (
    disposition_of,
    html_to_read,
    is_file,
    kind_of,
    part_name,
    root_first,
)
from eepost.sanitise.pictures import Pictures
from eepost.sanitise.records import rebuild_calendar, rebuild_card, rebuild_delivery_status
from eepost.sanitise.report import Tally
from eepost.sanitise.text import encode_text, is_utf8, rebuild_text

# Lines of a calendar or card; one takes some microseconds, and a year of events has some thousands.
MAX_RECORD_LINES = 200_000
BOUNDARY_OCTETS = 20  # 160 random bits: none is ever met in a body

Piece = bytes | memoryview


class Refusal(Exception):  # noqa: N818 - caught where the outcome is made
    """The message may not pass."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Built:
    """A part made anew: its header fields in order, and its body."""

    fields: bytes
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What making parts needs from outside."""

    domain: str
    choices: Choices
    randomness: Callable[[int], bytes]
    # Header fields of a nested message, made anew from what it held, with the empty line left out.
    nested_header: Callable[[Part], bytes]
    tally: Tally


def body_fields(
    content_type: bytes, encoding: bytes, disposition: bytes = b"", content_id: bytes = b""
) -> bytes:
    """Return a part's fields in their order."""
    written = b"Content-Transfer-Encoding: %s\r\n" % encoding
    return content_type + written + disposition + content_id


@dataclass(slots=True)
class Rebuilder:
    """Makes one message's body anew; `message` is the octets that `Part` speaks of."""

    message: bytes | bytearray
    around: Surroundings
    view: memoryview = field(init=False)
    pictures: Pictures = field(init=False)
    is_nested: bool = False
    made: dict[int, Built] = field(default_factory=dict)  # HTML parts, by where they start

    def __post_init__(self) -> None:
        self.view = memoryview(self.message)
        self.pictures = Pictures(self.around.domain)

    def build_root(self, root: Part) -> Built:
        """Return the body of a whole message; an empty text where nothing of it is left."""
        self.pictures.collect(root)
        for part in html_to_read(root):  # first, since it numbers the pictures
            self.html(part)
        return self._build(root) or self._empty()

    def _empty(self) -> Built:
        return Built(body_fields(_TEXT_PLAIN, b"7bit"), [b"\r\n"])

    def _build(self, part: Part) -> Built | None:
        if part.children and part.main_type == "multipart":
            return self._multipart(part)
        kind = kind_of(part)
        rule = _RULES.get(kind)
        if rule is not None:
            return rule(self, part)
        if kind.startswith(("text/", "multipart/")):
            return self.text(part)
        return self.file(part)

    # ---- multiparts

    def _multipart(self, part: Part) -> Built | None:
        kind = part.content_type.value
        if kind == "multipart/signed":
            return self._signed(part)
        if kind == "multipart/encrypted" and len(part.children) >= 2:
            return self._encrypted(part)
        children = part.children
        if kind == "multipart/related":
            children = tuple(root_first(part))
        elif kind == "multipart/alternative":
            children = self._alternatives(children)
        built = [each for child in children if (each := self._build(child)) is not None]
        if not built:
            return None
        if len(built) == 1:
            self.around.tally.add("wrapper of one part removed")
            return built[0]
        report = part.content_type.get("report-type").lower()
        if kind == "multipart/report" and report == "delivery-status":
            return self._wrapped(kind, [("report-type", report)], built)
        return self._wrapped(_SUBTYPES.get(kind, "multipart/mixed"), (), built)

    def _alternatives(self, children: tuple[Part, ...]) -> tuple[Part, ...]:
        kinds = [child.content_type.value for child in children]
        if self.around.choices.html is Html.PLAIN_TEXT and "text/plain" in kinds:
            return tuple(child for child in children if child.content_type.value == "text/plain")
        return children

    def _wrapped(
        self, kind: str, parameters: Iterable[tuple[str, str]], children: Iterable[Built]
    ) -> Built:
        boundary = self._boundary()
        delimiter = b"--" + boundary.encode("ascii")
        pieces: list[Piece] = []
        for child in children:
            pieces += [b"%s\r\n%s\r\n" % (delimiter, child.fields), *child.pieces, b"\r\n"]
        pieces.append(delimiter + b"--\r\n")
        parameters = [*parameters, ("boundary", boundary)]
        return Built(write_parameters(b"Content-Type", kind, parameters), pieces)

    def _boundary(self) -> str:
        return base64.b32encode(self.around.randomness(BOUNDARY_OCTETS)).decode("ascii").lower()

    def _signed(self, part: Part) -> Built:
        signed, *rest = part.children
        boundary = self._boundary()
        delimiter = b"--" + boundary.encode("ascii")
        protocol = _PROTOCOLS.get(part.content_type.get("protocol").lower(), "")
        protocol = protocol or next((_PROTOCOLS.get(kind_of(each), "") for each in rest), "")
        built = [self._crypto_file(each, protocol) for each in rest[:1]]
        built += [made for each in rest[1:] if (made := self._build(each)) is not None]
        pieces: list[Piece] = [delimiter + b"\r\n", self.view[signed.start : signed.end], b"\r\n"]
        for child in built:
            pieces += [b"%s\r\n%s\r\n" % (delimiter, child.fields), *child.pieces, b"\r\n"]
        pieces.append(delimiter + b"--\r\n")
        self.around.tally.add("signed part passed to the octet")
        parameters = [
            ("protocol", protocol),
            ("micalg", part.content_type.get("micalg").lower()),
            ("boundary", boundary),
        ]
        return Built(write_parameters(b"Content-Type", part.content_type.value, parameters), pieces)

    def _encrypted(self, part: Part) -> Built:
        encrypted = self._crypto_file(part.children[1], "application/octet-stream")
        control = Built(_PGP_CONTROL, [b"Version: 1\r\n"])
        self.around.tally.add("encrypted part passed to the octet")
        parameters = [("protocol", "application/pgp-encrypted")]
        return self._wrapped(part.content_type.value, parameters, [control, encrypted])

    def _crypto_file(self, part: Part, kind: str) -> Built:
        """Return a signature or cipher text under the one name that all programs know it by."""
        content = self._content(part)
        kind = kind or file_type("", part.content_type.value)
        disposition = write_parameters(
            b"Content-Disposition", "attachment", [("filename", _CRYPTO_NAMES.get(kind, ""))]
        )
        smime = part.content_type.get("smime-type").lower()
        parameters = [("smime-type", smime if smime in _SMIME_TYPES else "")]
        content_type = write_parameters(b"Content-Type", kind, parameters)
        if b"-----BEGIN PGP" in content and content.isascii():
            content = strip_armor_headers(content)
            return Built(body_fields(content_type, b"7bit", disposition), [content])
        fields = body_fields(content_type, b"base64", disposition)
        return Built(fields, [encode_base64(content)])

    def secret(self, part: Part) -> Built:
        """Return S/MIME content to the octet."""
        self.around.tally.add("encrypted part passed to the octet")
        return self._crypto_file(part, "application/pkcs7-mime")

    # ---- leaves

    def _content(self, part: Part) -> bytes:
        octets = bytes(self.view[part.body_start : part.end])
        return decode_transfer(octets, part.transfer_encoding)

    def text(self, part: Part) -> Built | None:
        """Return a text to be read, or one that is a file."""
        content = self._content(part)
        if is_file(part):
            return self._text_file(part, content)
        kind = part.content_type.value
        charset, octets = rebuild_text(content, part.content_type)
        encoded = encode_text(octets)
        content_type = write_parameters(
            b"Content-Type",
            kind if kind in _TEXT_TYPES else "text/plain",
            [("charset", charset)],
        )
        return Built(body_fields(content_type, encoded.encoding), [encoded.octets])

    def _text_file(self, part: Part, content: bytes) -> Built:
        content = strip_armor_headers(content)
        if part.main_type != "text" and not is_utf8(content):
            return self._known_file(part, content, "application/octet-stream")
        if not content.isascii():
            content = decode_text(content, part.content_type.get("charset")).encode("utf-8")
        name = part_name(part)
        kind = file_type(name, part.content_type.value)
        if kind == _OCTETS:
            kind = "text/plain"  # text of a kind that only some programs name
        parameters = [("charset", "utf-8")] if kind.startswith("text/") else []
        return self._filed(part, name, write_parameters(b"Content-Type", kind, parameters), content)

    def html(self, part: Part) -> Built:
        """Return HTML made anew, or the plain text in it if the user wants no HTML."""
        if part.start not in self.made:
            self.made[part.start] = self._html(part)
        return self.made[part.start]

    def _html(self, part: Part) -> Built:
        content = self._content(part)
        text = decode_text(content, part.content_type.get("charset") or declared_charset(content))
        if self.around.choices.html is Html.PLAIN_TEXT:
            _, octets = rebuild_text(extract_text(text).encode("utf-8", "replace"), _UTF8_TEXT)
            encoded = encode_text(octets)
            return Built(body_fields(_TEXT_PLAIN, encoded.encoding), [encoded.octets])
        octets = rebuild_html(text, self.pictures.source).encode("utf-8", "replace")
        self.around.tally.add("HTML made anew")
        if is_file(part):
            content_type = write_parameters(b"Content-Type", "text/html", [("charset", "utf-8")])
            return self._filed(part, part_name(part), content_type, octets)
        encoded = encode_text(octets)
        return Built(body_fields(_TEXT_HTML, encoded.encoding), [encoded.octets])

    def record(self, part: Part) -> Built | None:
        """Return a calendar or a card without what its program put in."""
        content = self._content(part)
        if content.count(b"\n") > MAX_RECORD_LINES:
            return self._unclean(part, content, "calendar or card is too long")
        charset = part.content_type.get("charset")
        kind = _RECORD_TYPES[kind_of(part)]
        if kind == "text/calendar":
            octets = rebuild_calendar(content, charset)
            method = part.content_type.get("method").upper()
            parameters = [("charset", "utf-8"), ("method", method if method.isalpha() else "")]
        else:
            octets = rebuild_card(content, charset)
            parameters = [("charset", "utf-8")]
        self.around.tally.add("calendar or card made anew")
        content_type = write_parameters(b"Content-Type", kind, parameters)
        if is_file(part):
            return self._filed(part, part_name(part), content_type, octets)
        encoded = encode_text(octets)
        return Built(body_fields(content_type, encoded.encoding), [encoded.octets])

    def file(self, part: Part) -> Built | None:
        """Return a file without metadata, by what it is."""
        content = self._content(part)
        choices = self.around.choices
        try:
            cleaned = strip_file(content)
        except Unclean as reason:
            return self._unclean(part, content, str(reason))
        if not cleaned.kind:
            if choices.unknown is OnFailure.REFUSE:
                raise Refusal(Reply(554, "5.6.1", "A file of unknown type can't be cleaned"))
            if choices.unknown is OnFailure.DROP:
                self.around.tally.add("unknown file dropped")
                return None
            self.around.tally.add("unknown file passed as it is")
        if cleaned.octets != content:
            self.around.tally.add(f"{cleaned.kind} cleaned")
        return self._known_file(part, cleaned.octets, cleaned.media_type)

    def _unclean(self, part: Part, content: bytes, reason: str) -> Built | None:
        choice = self.around.choices.unclean
        if choice is OnFailure.REFUSE:
            raise Refusal(Reply(554, "5.6.1", f"A file can't be cleaned: {reason}"))
        if choice is OnFailure.DROP:
            self.around.tally.add("file dropped")
            return None
        self.around.tally.add("file passed as it is")
        return self._known_file(part, content)

    def _known_file(self, part: Part, octets: bytes, media_type: str = "") -> Built:
        name = part_name(part)
        kind = media_type or file_type(name, part.content_type.value)
        parameters: list[tuple[str, str]] = []
        if kind.startswith("text/"):
            kind, parameters = (kind, [("charset", "utf-8")]) if is_utf8(octets) else (_OCTETS, [])
        return self._filed(part, name, write_parameters(b"Content-Type", kind, parameters), octets)

    def _filed(self, part: Part, name: str, content_type: bytes, octets: bytes) -> Built:
        content_id = self.pictures.name_of(part)
        is_shown = content_id or (disposition_of(part) == "inline" and part.main_type == "text")
        disposition = write_parameters(
            b"Content-Disposition", "inline" if is_shown else "attachment", [("filename", name)]
        )
        id_field = b"Content-ID: <%s>\r\n" % content_id if content_id else b""
        fields = body_fields(content_type, b"base64", disposition, id_field)
        return Built(fields, [encode_base64(octets)])

    def fragment(self, part: Part) -> Built:
        """Refuse to send a piece of a message; one inside a message is shown as what it is."""
        if part.start == 0:
            raise Refusal(_PARTIAL)
        return self.message_inside(part)

    def message_inside(self, part: Part) -> Built:
        """Return a nested message made anew by the same rules."""
        message: bytes | bytearray
        if part.children:
            message, root = self.message, part.children[0]
        else:
            message = _LINE_END.sub(b"\r\n", self._content(part))
            root = split_message(message, Bounds(depth=_DEPTH_WHEN_ENCODED))
        header = self.around.nested_header(root)
        body = Rebuilder(message, self.around, is_nested=True).build_root(root)
        fields = write_parameters(b"Content-Type", "message/rfc822")
        if name := part_name(part):
            fields += write_parameters(b"Content-Disposition", "attachment", [("filename", name)])
        head = header + b"MIME-Version: 1.0\r\n" + body.fields + b"\r\n"
        self.around.tally.add("nested message made anew")
        return Built(fields, [head, *body.pieces])

    def delivery_status(self, part: Part) -> Built | None:
        """Return what a report tells a person."""
        content = self._content(part)
        octets = rebuild_delivery_status(content, self.around.domain)
        if octets is None:
            return self.text(part)  # words instead of fields, as some servers write
        self.around.tally.add("delivery report made anew")
        return Built(write_parameters(b"Content-Type", "message/delivery-status"), [octets])

    def header_of_another(self, part: Part) -> Built:
        """Return text/rfc822-headers by the rules of a header."""
        content = self._content(part)
        root = split_message(content.rstrip(b"\r\n") + b"\r\n")
        header = self.around.nested_header(root)
        return Built(write_parameters(b"Content-Type", "text/rfc822-headers"), [header])

    def receipt(self, part: Part) -> Built | None:
        """Return nothing: a receipt tells when and with what mail was read (RFC 8098 2.1)."""
        if self.around.choices.keeps_receipts:
            return self.text(part)
        self.around.tally.add("receipt dropped")
        return None

    def nothing(self, part: Part) -> None:
        """Drop a part that holds nothing but what a system notes for itself."""
        self.around.tally.add("system part dropped")

    def elsewhere(self, part: Part) -> None:
        """Refuse what refers to a file elsewhere; in a message inside, leave it out."""
        if not self.is_nested:
            raise Refusal(_EXTERNAL)
        self.around.tally.add("reference to a file elsewhere dropped")

    def tnef(self, part: Part) -> Built | None:
        """Return the files in a TNEF as files of their own."""
        content = self._content(part)
        if not content.startswith(TNEF):
            return self.file(part)
        try:
            text, files = unpack_tnef(content)
        except Unclean as reason:
            return self._unclean(part, content, str(reason))
        built = [self._unpacked(each) for each in files]
        if text.strip():
            _, octets = rebuild_text(text.encode("utf-8", "replace"), _UTF8_TEXT)
            encoded = encode_text(octets)
            built.insert(0, Built(body_fields(_TEXT_PLAIN, encoded.encoding), [encoded.octets]))
        self.around.tally.add("TNEF unpacked")
        if len(built) > 1:
            return self._wrapped("multipart/mixed", (), built)
        return built[0] if built else None

    def _unpacked(self, unpacked: Unpacked) -> Built:
        name = file_name(unpacked.name)
        content_type = write_parameters(b"Content-Type", file_type(name, ""))
        disposition = write_parameters(b"Content-Disposition", "attachment", [("filename", name)])
        octets = strip_file(unpacked.octets).octets
        return Built(body_fields(content_type, b"base64", disposition), [encode_base64(octets)])


_DEPTH_WHEN_ENCODED = 10
_LINE_END = re.compile(rb"\r\n|\r|\n")
_OCTETS = "application/octet-stream"
_TEXT_PLAIN = b"Content-Type: text/plain; charset=utf-8\r\n"
_TEXT_HTML = b"Content-Type: text/html; charset=utf-8\r\n"
_UTF8_TEXT = Parameters("text/plain", {"charset": "utf-8"})
_PGP_CONTROL = b"Content-Type: application/pgp-encrypted\r\n"
_TEXT_TYPES = frozenset(("text/plain", "text/enriched", "text/richtext", "text/csv"))
_SUBTYPES = {each: each for each in ("multipart/alternative", "multipart/related")}
_SMIME_TYPES = frozenset(
    ("enveloped-data", "signed-data", "certs-only", "compressed-data", "authenveloped-data")
)
_PKCS7 = "application/pkcs7-signature"
_PGP = "application/pgp-signature"
_PROTOCOLS = {_PGP: _PGP, _PKCS7: _PKCS7, "application/x-pkcs7-signature": _PKCS7}
_CRYPTO_NAMES = {
    _PKCS7: "smime.p7s",
    _PGP: "signature.asc",
    "application/pkcs7-mime": "smime.p7m",
    "application/octet-stream": "encrypted.asc",
}
_PARTIAL = Reply(554, "5.6.1", "A piece of a message can't be cleaned; send the whole one")
_EXTERNAL = Reply(554, "5.6.1", "A part refers to a file elsewhere")
_RECORD_TYPES = {
    "text/calendar": "text/calendar",
    "application/ics": "text/calendar",
    "text/vcard": "text/vcard",
    "text/x-vcard": "text/vcard",
    "text/directory": "text/vcard",
}
_Rule = Callable[[Rebuilder, Part], Built | None]
_RULES: Mapping[str, _Rule] = {
    "text/html": Rebuilder.html,
    "message/rfc822": Rebuilder.message_inside,
    "message/global": Rebuilder.message_inside,
    "message/news": Rebuilder.message_inside,
    "message/delivery-status": Rebuilder.delivery_status,
    "message/global-delivery-status": Rebuilder.delivery_status,
    "message/disposition-notification": Rebuilder.receipt,
    "message/feedback-report": Rebuilder.nothing,
    "text/rfc822-headers": Rebuilder.header_of_another,
    "application/pkcs7-mime": Rebuilder.secret,
    "application/x-pkcs7-mime": Rebuilder.secret,
    "application/applefile": Rebuilder.nothing,
    **dict.fromkeys(_RECORD_TYPES, Rebuilder.record),
    "message/external-body": Rebuilder.elsewhere,
    "application/ms-tnef": Rebuilder.tnef,
    "application/vnd.ms-tnef": Rebuilder.tnef,
    "message/partial": Rebuilder.fragment,
}
