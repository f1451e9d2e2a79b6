# SPDX-License-Identifier: Apache-2.0
"""Messages made of what somebody typed: new ones, answers, forwards, drafts.

Duty: octets that say what was typed and no more. What leaves the machine goes through the sanitiser
all the same; what is encrypted goes through it before.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from eepost.mail.address import parse_address
from eepost.mail.date import write_date
from eepost.mail.header import split_header
from eepost.mail.mailbox import Mailbox, parse_mailboxes, write_mailboxes
from eepost.mail.msgid import RANDOM_OCTETS, first_and_last, fresh_id
from eepost.mail.parameters import write_parameters
from eepost.mail.transfer import encode_base64
from eepost.mail.unstructured import fold, write_unstructured
from eepost.mail.violation import PeerViolation
from eepost.sanitise.names import file_name, file_type
from eepost.sanitise.text import encode_text
from eepost.services.letterbox.webmail.reading import Reading

MAX_TEXT_CHARACTERS = 1_000_000
MAX_SUBJECT_CHARACTERS = 900
# What a quoted message may bring along; a book need not be sent back.
MAX_QUOTED_CHARACTERS = 60_000
_REPLY: Final = "Re: "
_FORWARD: Final = "Fwd: "


class Unreadable(Exception):  # noqa: N818 - an outcome for the user, not a fault
    """A line of addresses holds something that is none; `text` is it."""

    def __init__(self, text: str) -> None:
        super().__init__("not an address")
        self.text = text


@dataclass(frozen=True, slots=True, repr=False)
class Enclosed:
    """A file that goes along."""

    name: str
    octets: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Letter:
    """What somebody has written."""

    author: str  # an address
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    subject: str = ""
    text: str = ""
    files: tuple[Enclosed, ...] = ()
    parent: bytes = b""  # the message identifier that it answers, without brackets
    references: tuple[bytes, ...] = ()

    @property
    def recipients(self) -> list[str]:
        """All addresses, each once."""
        every = (*self.to, *self.cc, *self.bcc)
        return list(dict.fromkeys(str(each.address) for each in every))


def read_addresses(typed: str, domain: str) -> tuple[Mailbox, ...]:
    """Return the people in a line of addresses. Raises Unreadable.

    A name without a domain is one of the same service.
    """
    items = [each.strip() for each in _items(typed)]
    return tuple(_read_one(each, domain) for each in items if each)


def _items(typed: str) -> Iterable[str]:
    """Yield what commas, semicolons and line ends part, but not inside quotes and brackets."""
    item, quote = "", ""
    for each in typed:
        if quote:
            quote = "" if each == quote else quote
        elif each in _QUOTES:
            quote = _QUOTES[each]
        elif each in ",;\r\n":
            yield item
            item = ""
            continue
        item += each
    yield item


_QUOTES: Final = {'"': '"', "<": ">"}


def _read_one(item: str, domain: str) -> Mailbox:
    bare = parse_address(item) or parse_address(f"{item}@{domain}")
    if bare is not None:
        return Mailbox("", bare)
    try:
        found = parse_mailboxes(item.encode("utf-8", "replace"))
    except PeerViolation:
        raise Unreadable(item) from None
    if len(found.mailboxes) != 1 or found.unreadable:
        raise Unreadable(item)
    return found.mailboxes[0]


def write_addresses(boxes: Iterable[Mailbox]) -> str:
    """Return people as they stand in a line of addresses."""
    return ", ".join(_shown(each) for each in boxes)


def _shown(box: Mailbox) -> str:
    name = box.name.replace('"', "'")
    return f'"{name}" <{box.address}>' if name else str(box.address)


def compose(letter: Letter, now_utc: int, randomness: Callable[[int], bytes]) -> bytes:
    """Return the message (CRLF lines), Bcc and all: it is the writer's own copy."""
    head = _head(letter, now_utc, randomness)
    return head + _entity(letter, randomness)


def _head(letter: Letter, now_utc: int, randomness: Callable[[int], bytes]) -> bytes:
    author = parse_address(letter.author)
    assert author is not None  # noqa: S101 - the account's own
    own_id = fresh_id(randomness(RANDOM_OCTETS), author.domain)
    ids = first_and_last([*letter.references, letter.parent] if letter.parent else [])
    written = [
        write_mailboxes(b"From", [Mailbox("", author)]),
        write_mailboxes(b"To", letter.to),
        write_mailboxes(b"Cc", letter.cc),
        write_mailboxes(b"Bcc", letter.bcc),
        write_unstructured(b"Subject", letter.subject) if letter.subject else b"",
        b"Date: " + write_date(now_utc) + b"\r\n",
        b"Message-ID: <" + own_id + b">\r\n",
        fold(b"In-Reply-To", [b"<%s>" % letter.parent]) if letter.parent else b"",
        fold(b"References", [b"<%s>" % each for each in ids]) if ids else b"",
        b"MIME-Version: 1.0\r\n",
    ]
    return b"".join(written)


def _entity(letter: Letter, randomness: Callable[[int], bytes]) -> bytes:
    """Return the fields that describe the body, the empty line, and the body."""
    text = _text_part(letter.text)
    if not letter.files:
        return text
    parts = [text, *map(_file_part, letter.files)]
    return multipart("multipart/mixed", parts, randomness)


def multipart(
    kind: str,
    parts: Sequence[bytes],
    randomness: Callable[[int], bytes],
    parameters: Sequence[tuple[str, str]] = (),
) -> bytes:
    """Return a multipart of whole parts: its own field, the empty line, the body."""
    boundary = randomness(20).hex()
    head = write_parameters(b"Content-Type", kind, [("boundary", boundary), *parameters])
    mark = b"--" + boundary.encode("ascii")
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts)
    return head + b"\r\n" + body + mark + b"--\r\n"


def _text_part(text: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    octets = ("\r\n".join(line.rstrip(" ") for line in lines) + "\r\n").encode("utf-8", "replace")
    encoded = encode_text(octets)
    return (
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n"
        % encoded.encoding
        + encoded.octets
    )


def _file_part(file: Enclosed) -> bytes:
    name = file_name(file.name) or "file"
    kind = file_type(name, "")
    # As octets where the type would make a message or text of it: nobody may change a file.
    if kind.startswith(("message/", "multipart/")):
        kind = "application/octet-stream"
    return (
        write_parameters(b"Content-Type", kind, [("name", name)])
        + b"Content-Transfer-Encoding: base64\r\n"
        + write_parameters(b"Content-Disposition", "attachment", [("filename", name)])
        + b"\r\n"
        + encode_base64(file.octets)
    )


_OUTSIDE: Final = b"content-"


def encrypted(
    cleaned: bytes, encrypt: Callable[[bytes], bytes], randomness: Callable[[int], bytes]
) -> bytes:
    """Return a message whose body is encrypted (RFC 3156 4); `cleaned` has no secrets left.

    Its header stays readable on the way, the subject with it. Raises what `encrypt` raises.
    """
    header = split_header(cleaned)
    inside = [b"".join(each) for each in header.fields if _describes(each[0])]
    outside = [b"".join(each) for each in header.fields if not _describes(each[0])]
    entity = b"".join(inside) + b"\r\n" + cleaned[header.body_start :]
    armored = b"\r\n".join(encrypt(entity).splitlines()) + b"\r\n"
    parts = [
        b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n",
        b'Content-Type: application/octet-stream; name="encrypted.asc"\r\n'
        b'Content-Disposition: inline; filename="encrypted.asc"\r\n\r\n' + armored,
    ]
    protocol = [("protocol", "application/pgp-encrypted")]
    return b"".join(outside) + multipart("multipart/encrypted", parts, randomness, protocol)


def _describes(name: bytes) -> bool:
    return name.lower().startswith(_OUTSIDE)


# Answers and forwards.


def answer(reading: Reading, own: frozenset[str], author: str, *, to_all: bool) -> Letter:
    """Return the beginning of an answer. `own`: the account's addresses in lower case."""
    head = reading.head
    authors = head.reply_to or ((head.author,) if head.author else ())
    is_mine = bool(authors) and all(str(each.address).lower() in own for each in authors)
    to = tuple(head.to) if is_mine else tuple(authors)
    cc = _others((*(() if is_mine else head.to), *head.cc), {*own, *_lower(to)}) if to_all else ()
    return Letter(
        author=author,
        to=to,
        cc=cc,
        subject=_with_prefix(_REPLY, head.subject),
        text=_quoted(reading),
        parent=head.message_id,
        references=head.references,
    )


def _others(boxes: Iterable[Mailbox], known: set[str]) -> tuple[Mailbox, ...]:
    left = []
    for each in boxes:
        if (lower := str(each.address).lower()) not in known:
            known.add(lower)
            left.append(each)
    return tuple(left)


def _lower(boxes: Iterable[Mailbox]) -> set[str]:
    return {str(each.address).lower() for each in boxes}


def forward(reading: Reading, author: str) -> Letter:
    """Return the beginning of a forward; its files are taken from the message when it is sent."""
    head = reading.head
    lines = [
        "---------- Forwarded message ----------",
        f"From: {shown_author(reading)}",
        f"Date: {_day(head.date_utc)}",
        f"Subject: {head.subject}",
        f"To: {write_addresses(head.to)}",
        "",
        reading.text[:MAX_QUOTED_CHARACTERS],
    ]
    return Letter(
        author=author,
        subject=_with_prefix(_FORWARD, head.subject),
        text="\n\n" + "\n".join(lines),
    )


def shown_author(reading: Reading) -> str:
    """Return who wrote a message, as the header says."""
    head = reading.head
    return _shown(head.author) if head.author is not None else head.author_text


def _quoted(reading: Reading) -> str:
    lines = reading.text[:MAX_QUOTED_CHARACTERS].strip("\n").split("\n")
    quoted = "\n".join(">" + line if line.startswith(">") else f"> {line}" for line in lines)
    return f"\n\nOn {_day(reading.head.date_utc)}, {shown_author(reading)} wrote:\n{quoted}\n"


def _day(date_utc: int | None) -> str:
    return (
        "an unknown day"
        if date_utc is None
        else f"{datetime.fromtimestamp(date_utc, UTC):%Y-%m-%d}"
    )


def _with_prefix(prefix: str, subject: str) -> str:
    text = subject if subject.lower().startswith(prefix.lower()) else prefix + subject
    return text[:MAX_SUBJECT_CHARACTERS]


def without_bcc(letter: Letter) -> Letter:
    """Return a letter as its recipients may see it."""
    return replace(letter, bcc=())
