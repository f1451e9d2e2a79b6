# SPDX-License-Identifier: Apache-2.0
"""Reads off a message what a list shows of it.

Trust: anybody may have written the message. Nothing here fails: what can't be read is left out.
"""

from eepost.letters.model import Summary
from eepost.mail.charset import decode_text
from eepost.mail.date import parse_date
from eepost.mail.mailbox import parse_mailboxes
from eepost.mail.message import Part, split_message
from eepost.mail.transfer import decode_transfer
from eepost.mail.unstructured import decode_unstructured
from eepost.mail.violation import PeerViolation

# What a list shows in a line; the page of the message shows all of it.
MAX_LINE_CHARACTERS = 300
# How much of the text is searched: the rest would cost memory and time at each sign-in.
MAX_PREVIEW_CHARACTERS = 2_000
# Octets that are decoded for it: quoted-printable and base64 take some for each character.
_PREVIEW_OCTETS = 16_384
# Recipients named in a list, of mail to hundreds.
MAX_RECIPIENTS = 10


def summarise(
    message: bytes, number: int, folder: str, now_utc: int, unique_id: str = "", flags: int = 0
) -> Summary:
    """Return the summary of `message` (CRLF lines), put into `folder` now."""
    bare = Summary(
        number=number,
        folder=folder,
        date_utc=now_utc,
        arrived_utc=now_utc,
        size_octets=len(message),
        unique_id=unique_id,
        flags=flags,
    )
    try:
        return _read(message, split_message(message), bare)
    except PeerViolation:
        return bare


def _read(message: bytes, root: Part, bare: Summary) -> Summary:
    author, address = _author(root.raw(b"from") or b"")
    date = parse_date((root.raw(b"date") or b"").lstrip())
    return Summary(
        number=bare.number,
        folder=bare.folder,
        # Nobody's clock may put his mail before all others for ever.
        date_utc=bare.date_utc if date is None else min(date, bare.date_utc),
        arrived_utc=bare.arrived_utc,
        size_octets=bare.size_octets,
        flags=bare.flags,
        author=author,
        author_address=address,
        recipients=_recipients(root),
        subject=_line(decode_unstructured(root.raw(b"subject") or b"")),
        preview=_preview(message, root),
        has_attachments=any(_is_attached(part) for part in root.walk()),
        unique_id=bare.unique_id,
    )


def _author(value: bytes) -> tuple[str, str]:
    boxes = parse_mailboxes(value).mailboxes
    if not boxes:
        return _line(decode_unstructured(value)), ""
    address = _line(str(boxes[0].address))
    return _line(boxes[0].name) or address, address


def _recipients(root: Part) -> str:
    boxes = parse_mailboxes(root.raw(b"to") or b"").mailboxes
    boxes += parse_mailboxes(root.raw(b"cc") or b"").mailboxes
    shown = [each.name or str(each.address) for each in boxes[:MAX_RECIPIENTS]]
    return _line(", ".join(shown))


def _line(text: str) -> str:
    return text[:MAX_LINE_CHARACTERS]


def _is_attached(part: Part) -> bool:
    disposition = (part.raw(b"content-disposition") or b"").strip().lower()
    return disposition.startswith(b"attachment") or bool(
        not part.children and part.main_type not in {"text", "multipart"}
    )


def _preview(message: bytes, root: Part) -> str:
    for part in root.walk():
        if part.content_type.value == "text/plain" and not _is_attached(part):
            octets = message[part.body_start : min(part.end, part.body_start + _PREVIEW_OCTETS)]
            content = decode_transfer(octets, part.transfer_encoding)
            text = decode_text(content, part.content_type.get("charset"))
            return " ".join(text.split())[:MAX_PREVIEW_CHARACTERS]
    return ""
