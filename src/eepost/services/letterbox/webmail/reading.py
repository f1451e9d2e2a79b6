# SPDX-License-Identifier: Apache-2.0
"""A message as its reader sees it: who, when, what about, the text, and the files that came along.

Duty: text first. HTML is looked at for its words only; `frames` makes what may be shown of it.

Trust: anybody may have written the message. Nothing here fails: what can't be read is left out,
and `is_whole` says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from eepost.mail.charset import decode_text
from eepost.mail.date import parse_date
from eepost.mail.header import Field, split_header
from eepost.mail.mailbox import Mailbox, parse_mailboxes
from eepost.mail.message import Part, split_message
from eepost.mail.msgid import ids_in
from eepost.mail.transfer import decode_transfer
from eepost.mail.unstructured import decode_unstructured
from eepost.mail.violation import PeerViolation
from eepost.sanitise.html import declared_charset
from eepost.sanitise.html_cost import HtmlAllowance
from eepost.sanitise.html_words import extract_text
from eepost.sanitise.names import file_name
from eepost.sanitise.parts import is_file, part_name
from eepost.sanitise.text import rebuild_text

# A book has a million; a page of them is slow in every browser. The whole is there as a file.
MAX_TEXT_CHARACTERS = 400_000
# People shown of one field.
MAX_SHOWN_MAILBOXES = 200

_SHORTENED = "\n\n[The rest of this text is too long to be shown: download the message.]"
_SIGNATURES: Final = frozenset(("application/pgp-signature", "application/pgp-encrypted"))


@dataclass(frozen=True, slots=True, repr=False)
class Attached:
    """A file that came with a message."""

    number: int  # in this message, from 1
    name: str  # safe for every file system
    kind: str  # the media type, as declared
    octets: int  # about: what an encoding adds is taken off
    part: Part


@dataclass(frozen=True, slots=True, repr=False)
class Head:
    """What the header says, decoded."""

    author: Mailbox | None = None
    author_text: str = ""  # where From holds no mailbox
    reply_to: tuple[Mailbox, ...] = ()
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()  # in the user's own copies
    subject: str = ""
    date_utc: int | None = None
    message_id: bytes = b""  # without brackets
    references: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """A message taken apart; `octets` is what the parts speak of."""

    octets: bytes
    head: Head
    text: str = ""
    html: tuple[Part, ...] = ()
    files: tuple[Attached, ...] = ()
    root: Part | None = None  # None: too complex to be taken apart
    fields: tuple[Field, ...] = ()

    @property
    def is_whole(self) -> bool:
        """All of it was read."""
        return self.root is not None

    def content(self, part: Part) -> bytes:
        """Return the decoded body of a part."""
        return content_of(self.octets, part)

    def file(self, number: int) -> Attached | None:
        """Return the file under a number."""
        return self.files[number - 1] if 0 < number <= len(self.files) else None


def content_of(octets: bytes, part: Part) -> bytes:
    """Return the decoded body of a part."""
    return decode_transfer(octets[part.body_start : part.end], part.transfer_encoding)


def html_of(octets: bytes, part: Part) -> str:
    """Return the HTML of a part as text."""
    content = content_of(octets, part)
    return decode_text(content, part.content_type.get("charset") or declared_charset(content))


def read_message(octets: bytes) -> Reading:
    """Return what `octets` (CRLF lines) show."""
    try:
        root = split_message(octets)
    except PeerViolation:
        return _bare(octets)
    body = _Body(octets)
    body.take(root)
    return Reading(
        octets=octets,
        head=read_head(root.fields),
        text=body.text(),
        html=tuple(body.html),
        files=tuple(_attached(number, part) for number, part in enumerate(body.files, 1)),
        root=root,
        fields=tuple(root.fields),
    )


def _bare(octets: bytes) -> Reading:
    try:
        fields = split_header(octets).fields
    except PeerViolation:
        return Reading(octets, Head())
    return Reading(octets, read_head(fields), fields=tuple(fields))


def read_head(fields: list[Field]) -> Head:
    """Return what header fields say; of a field that stands twice, the first."""
    by_name = {name.lower(): value for name, _, value in reversed(fields)}
    authors = _mailboxes(by_name.get(b"from", b""))
    ids = ids_in(by_name.get(b"message-id", b""))
    return Head(
        author=authors[0] if authors else None,
        author_text=decode_unstructured(by_name.get(b"from", b""))[:1_000],
        reply_to=_mailboxes(by_name.get(b"reply-to", b"")),
        to=_mailboxes(by_name.get(b"to", b"")),
        cc=_mailboxes(by_name.get(b"cc", b"")),
        bcc=_mailboxes(by_name.get(b"bcc", b"")),
        subject=decode_unstructured(by_name.get(b"subject", b""))[:2_000],
        date_utc=parse_date(by_name.get(b"date", b"")),
        message_id=ids[0] if ids else b"",
        references=tuple(ids_in(by_name.get(b"references", by_name.get(b"in-reply-to", b"")))),
    )


def _mailboxes(value: bytes) -> tuple[Mailbox, ...]:
    try:
        return tuple(parse_mailboxes(value).mailboxes[:MAX_SHOWN_MAILBOXES])
    except PeerViolation:
        return ()


@dataclass(slots=True)
class _Body:
    """Sorts the parts of a message into what is read and what is a file."""

    octets: bytes
    html: list[Part] = field(default_factory=list)
    files: list[Part] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)
    _allowance: HtmlAllowance = field(default_factory=HtmlAllowance)

    def take(self, part: Part, *, has_plain: bool = False) -> None:
        """Take a part; `has_plain`: what HTML says stands beside it as plain text."""
        kind = part.content_type.value
        if part.main_type == "multipart" and part.children:
            has_plain = has_plain or (kind == "multipart/alternative" and _has_plain(part))
            for child in part.children:
                self.take(child, has_plain=has_plain)
        elif kind == "text/plain" and not is_file(part):
            self._texts.append(self._plain(part))
        elif kind == "text/html" and not is_file(part):
            self.html.append(part)
            if not has_plain:
                self._texts.append(extract_text(html_of(self.octets, part), self._allowance))
        elif kind not in _SIGNATURES and part.start != part.end:
            self.files.append(part)

    def text(self) -> str:
        """Return all text to be read, LF lines."""
        text = "\n\n".join(each.strip("\n") for each in self._texts if each.strip())
        return text if len(text) <= MAX_TEXT_CHARACTERS else text[:MAX_TEXT_CHARACTERS] + _SHORTENED

    def _plain(self, part: Part) -> str:
        content = content_of(self.octets, part)
        said = part.content_type
        is_flowed = said.get("format").lower() == "flowed"
        deletes_space = said.get("delsp").lower() == "yes"
        try:
            made = rebuild_text(
                content, said.get("charset"), is_flowed=is_flowed, deletes_space=deletes_space
            )
        except PeerViolation:
            return decode_text(content[:MAX_TEXT_CHARACTERS], said.get("charset")) + _SHORTENED
        return made.decode("utf-8", "replace").replace("\r\n", "\n")


def _has_plain(part: Part) -> bool:
    return any(
        each.content_type.value == "text/plain" and not is_file(each) for each in _leaves(part)
    )


def _leaves(part: Part) -> Iterator[Part]:
    return (each for each in part.walk() if not each.children)


def _attached(number: int, part: Part) -> Attached:
    kind = part.content_type.value
    name = part_name(part)
    if not name and part.main_type == "message":
        subject = part.children[0].raw(b"subject") if part.children else b""
        name = file_name(decode_unstructured(subject or b"message") + ".eml")
    octets = part.end - part.body_start
    if part.transfer_encoding == b"base64":
        octets = octets * 3 // 4
    return Attached(number, name or f"file-{number}", kind, octets, part)
