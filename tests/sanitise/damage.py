# SPDX-License-Identifier: Apache-2.0
"""Looks for what a message lost that its reader would miss, with other people's parsers."""

import base64
import email
import email.policy
import html
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from email.message import Message

from PIL import Image

from tests.sanitise.parts import children, content

_REPORTS = {"message/delivery-status", "message/global-delivery-status"}
_RECORDS = {"text/calendar", "text/vcard", "text/x-vcard", "text/directory", "text/rfc822-headers"}
_OTHER_NAMES = {"windows-874": ("cp874",), "iso-2022-jp": ("iso-2022-jp", "euc-jp")}
_ARMOR = re.compile(r"(-----BEGIN PGP [^\n]*\n)(?:(?:Version|Comment|Charset):[^\n]*\n)+")
_TAG = re.compile(r"(?is)<(script|style|title|head)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>")
# Made anew as text, or made of nothing a reader would see.
_LOST = {
    "application/ics",
    "application/json",
    "message/disposition-notification",
    "application/applefile",
    "message/feedback-report",
}


def damage(before: bytes, after: bytes) -> list[str]:
    """Return what was lost between two forms of a message, a constant phrase for each kind."""
    old, new = map(email.message_from_bytes, (before, after))
    found = []
    if not _is_within("".join(_words(old)), "".join(_words(new))):
        found.append("text")
    if Counter(_files(old)) - Counter(_files(new)):
        found.append("file")
    if list(_signed(old, before)) != list(_signed(new, after)):
        found.append("signed part")
    if bool(old["References"] or old["In-Reply-To"]) > bool(new["References"]):
        found.append("thread")
    return found


def _is_within(old: str, new: str) -> bool:
    """Say whether all letters of `old` stand in `new` in their order; more may stand there."""
    rest = iter(new)
    return old in new or all(letter in rest for letter in old)


def _leaves(message: Message) -> Iterator[Message]:
    kind = message.get_content_type()
    if kind == "multipart/signed" and message.is_multipart():
        yield from (each for each in children(message)[2:])
    elif kind == "message/rfc822" and message["Content-Transfer-Encoding"] == "base64":
        inner = base64.b64decode(children(message)[0].as_bytes())
        yield from _leaves(email.message_from_bytes(inner))
    elif message.is_multipart() and kind not in _REPORTS:
        for child in children(message):
            yield from _leaves(child)
    elif not message.is_multipart():
        yield message


def _text(part: Message) -> str:
    octets = content(part)
    charset = part.get_content_charset() or "utf-8"
    attempts = _OTHER_NAMES.get(charset, (charset,))
    for attempt in (*attempts, "utf-8", "cp1252"):
        try:
            return _ARMOR.sub(r"\1", octets.decode(attempt)).replace("\0", "")
        except (LookupError, UnicodeDecodeError):
            continue
    return octets.decode("latin-1")


def _words(message: Message) -> list[str]:
    words: list[str] = []
    for part in _leaves(message):
        kind = part.get_content_type()
        if not kind.startswith("text/") or kind in _RECORDS:
            continue
        text = _text(part)
        if kind == "text/html":
            text = html.unescape(_TAG.sub(" ", text))
        words += re.findall(r"[^\W_]+", text)
    return words


def _files(message: Message) -> Iterator[object]:
    for part in _leaves(message):
        kind = part.get_content_type()
        if kind.startswith(("text/", "message/", "multipart/")) or kind in _LOST:
            continue
        if part.get_filename("").lower().endswith((".txt", ".html", ".csv", ".ics", ".vcf")):
            continue  # made anew as text, see _words
        yield _seen(content(part))


def _seen(octets: bytes) -> object:
    if octets[:3] == b"\xff\xd8\xff" or octets[:4] in {b"\x89PNG", b"GIF8"}:
        try:
            with Image.open(io.BytesIO(octets)) as picture:
                return picture.convert("RGBA").tobytes()
        except OSError:
            return "broken picture"
    if octets.startswith(b"%PDF"):
        return "document"
    if octets.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(io.BytesIO(octets)) as archive:
                return tuple(sorted(each.filename for each in archive.infolist()))
        except zipfile.BadZipFile:
            return "broken archive"
    return re.sub(rb"(?m)^(?:Version|Comment|Charset):.*\r?\n", b"", octets).strip()


def _signed(message: Message, octets: bytes) -> Iterator[bytes]:
    for part in message.walk():
        if part.get_content_type() == "multipart/signed" and part.is_multipart():
            marker = b"--" + (part.get_boundary() or "").encode()
            pieces = re.split(
                rb"(?:\A|\r\n)" + re.escape(marker) + rb"(?:--)?[ \t]*(?=\r\n|\Z)", octets
            )
            yield pieces[1] if len(pieces) > 1 else b""
