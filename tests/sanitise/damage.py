# SPDX-License-Identifier: Apache-2.0
"""Looks for what a message lost that its reader would miss, with other people's parsers.

What the standard library reads worse than mail programs do is put right here, each with its reason;
the sanitiser's own code is never asked.
"""

import base64
import email
import email.policy
import gzip
import io
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from email.message import Message
from html.parser import HTMLParser

from PIL import Image

from tests.sanitise.parts import children, content

_REPORTS = {"message/delivery-status", "message/global-delivery-status"}
_RECORDS = {"text/calendar", "text/vcard", "text/x-vcard", "text/directory", "text/rfc822-headers"}
_OTHER_NAMES = {"windows-874": ("cp874",), "iso-2022-jp": ("iso-2022-jp", "euc-jp")}
_ARMOR = re.compile(r"(-----BEGIN PGP [^\n]*\n)(?:(?:Version|Comment|Charset):[^\n]*\n)+")
# A key is made anew without names; tests of their own look at what becomes of it.
_KEY = re.compile(r"(?s)-----BEGIN PGP PUBLIC KEY BLOCK-----.*?-----END PGP PUBLIC KEY BLOCK-----")
# Programs wrote mail into files with such a line in front, and attached what stood there.
_MBOX_LINE = re.compile(rb"(?<=\r\n\r\n)>From [^\r\n]*\r\n(?=[!-9;-~]+:)")
# Files in a text leave beside it, as files.
_UUENCODED = re.compile(r"(?m)^begin [0-7]{3,4} [^\n]+\n(?:[ -`]*\r?\n)+end[ \t]*\r?$")
_ENCODING = re.compile(rb"(?im)^(content-transfer-encoding:[ \t]*[a-z0-9-]+)[ \t;]+\r$")
_DSC = re.compile(rb"(?m)^%[^\n]*\n")
# Made anew as text, or made of nothing a reader would see.
_LOST = {
    "application/ics",
    "application/json",
    "message/disposition-notification",
    "application/applefile",
    "application/ms-tnef",
    "message/feedback-report",
}


def damage(before: bytes, after: bytes) -> list[str]:
    """Return what was lost between two forms of a message, a constant phrase for each kind."""
    old, new = map(_parsed, (before, after))
    found = []
    if not _is_within("".join(_words(old)), "".join(_words(new))):
        found.append("text")
    lost = Counter(_files(old)) - Counter(_files(new))
    # What one program calls a file is a text to the next one.
    if not {_letters(each) for each in lost} <= {_letters(content(part)) for part in leaves(new)}:
        found.append("file")
    if list(_signed(old, before)) != list(_signed(new, after)):
        found.append("signed part")
    if names(old) > names(new):
        found.append("thread")
    return found


def _parsed(octets: bytes) -> Message:
    octets = _ENCODING.sub(rb"\1\r", _MBOX_LINE.sub(b"", octets))
    return email.message_from_bytes(octets)


def losses(before: bytes, after: bytes) -> list[str]:
    """Return what was lost of a message that stays as it came where it can.

    Each part must be there as it was, or its words must; for parts that refer to something
    elsewhere, or are pieces, nothing has to.
    """
    # The library takes a boundary that is folded (RFC 5322 2.2.3) with its fold.
    unfolded = re.sub(rb'(boundary="[^"\r\n]*)\r\n', rb"\1", before)
    old, new = map(_parsed, (unfolded, after))
    kept = {_letters(content(part)) for part in leaves(new)}
    words = "".join(_words(new))
    found = []
    elsewhere = {
        id(inner)
        for part in old.walk()
        if part.get_content_type() in {"message/external-body", "message/partial"}
        for inner in part.walk()
    }
    for part in leaves(old):
        if id(part) in elsewhere or _letters(content(part)) in kept:
            continue
        if not _is_within("".join(re.findall(r"[^\W_]+", seen_words(part))), words):
            found.append("part")
    if list(_signed(old, before)) != list(_signed(new, after)) and b"signed-original" not in after:
        found.append("signed part")
    if names(old) > names(new):
        found.append("thread")
    return found


def names(message: Message) -> bool:
    """Say whether a message names others that it answers."""
    return bool(message["References"] or message["In-Reply-To"])


def _letters(octets: object) -> object:
    return b"".join(octets.split()) if isinstance(octets, bytes) else octets


def _is_within(old: str, new: str) -> bool:
    """Say whether all letters of `old` stand in `new` in their order; more may stand there."""
    rest = iter(new)
    return old in new or all(letter in rest for letter in old)


def leaves(message: Message) -> Iterator[Message]:
    """Yield the parts that hold no others, those that a signature covers left out."""
    kind = message.get_content_type()
    if kind == "multipart/signed" and message.is_multipart():
        yield from (each for each in children(message)[2:])
    elif kind == "message/rfc822" and message["Content-Transfer-Encoding"] == "base64":
        inner = base64.b64decode(children(message)[0].as_bytes())
        yield from leaves(email.message_from_bytes(inner))
    elif message.is_multipart() and kind not in _REPORTS:
        for child in children(message):
            yield from leaves(child)
    elif not message.is_multipart():
        yield message


def _text(part: Message) -> str:
    octets = content(part)
    charset = part.get_content_charset() or "utf-8"
    attempts = _OTHER_NAMES.get(charset, (charset,))
    for attempt in (*attempts, "utf-8", "cp1252"):
        try:
            return _KEY.sub("key", _ARMOR.sub(r"\1", octets.decode(attempt))).replace("\0", "")
        except (LookupError, UnicodeDecodeError):
            continue
    return octets.decode("latin-1")


def _is_named_without_type(part: Message) -> bool:
    """Say whether a part has a name and a type that is none: a file, if not to the library."""
    kind = part.get("Content-Type", "/").lower()
    return part.get_filename() is not None and "/" not in kind and not kind.startswith("text")


def _words(message: Message) -> list[str]:
    words: list[str] = []
    for part in leaves(message):
        kind = part.get_content_type()
        if _is_renamed_page(part):
            words += re.findall(r"[^\W_]+", shown_words(_text(part)))
        if not kind.startswith("text/") or kind in _RECORDS or _is_named_without_type(part):
            continue
        words += re.findall(r"[^\W_]+", seen_words(part))
    return words


def _is_renamed_page(part: Message) -> bool:
    """Say whether a part is HTML that may run something, and was renamed for its reader."""
    return part.get_filename("").endswith(".unsafe") and b"<html" in content(part)


def seen_words(part: Message) -> str:
    text = _text(part)
    return shown_words(text) if part.get_content_type() == "text/html" else _UUENCODED.sub("", text)


class _Reader(HTMLParser):
    """Collects what stands between tags, but for what is never shown."""

    _SILENT = frozenset(("style", "script", "title", "template"))

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.silent = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.words.append(" ")
        self.silent = self.silent or (tag if tag in self._SILENT else "")

    def handle_endtag(self, tag: str) -> None:
        self.words.append(" ")
        self.silent = "" if tag in {self.silent, "head"} else self.silent

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.words.append(data)


def shown_words(markup: str) -> str:
    reader = _Reader()
    reader.feed(markup)  # and no close(): what begins a tag at the end and never ends is not shown
    return "".join(reader.words)


def _files(message: Message) -> Iterator[object]:
    for part in leaves(message):
        kind = part.get_content_type()
        is_text = kind.startswith(("text/", "message/", "multipart/")) or kind in _LOST
        if is_text and not _is_named_without_type(part):
            continue
        if part.get_filename("").lower().endswith((".txt", ".html", ".csv", ".ics", ".vcf")):
            continue  # made anew as text, see _words
        yield _seen(content(part))


def _seen(octets: bytes) -> object:
    """Return what a file shows, as far as other people's programs open it."""
    for magics, shown in _SHOWN:
        if octets.startswith(magics):
            return shown(octets)
    return re.sub(rb"(?m)^(?:Version|Comment|Charset):.*\r?\n", b"", octets).strip()


def _pixels(octets: bytes) -> object:
    try:
        with Image.open(io.BytesIO(octets)) as picture:
            return picture.convert("RGBA").tobytes()
    except OSError:
        return "broken picture"


def _packed(octets: bytes) -> object:
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            read = {each.filename: archive.read(each) for each in archive.infolist()}
    except (zipfile.BadZipFile, RuntimeError):  # broken or encrypted
        return "closed archive"
    shown = ((name, _seen(_WHO.sub(b"", each))) for name, each in read.items())
    return tuple(sorted((name, str(each)) for name, each in shown if not _ABOUT.search(name)))


# Parts of documents that tell of them and are not shown, and attributes that do.
_ABOUT = re.compile(r"^(?:docProps/|meta\.xml|settings\.xml|word/people\.xml)|printerSettings")
_WHO = re.compile(
    rb' (?:w:(?:rsid\w*|author|date|initials)|officeooo:(?:paragraph-)?rsid|url)="[^"]*"'
    rb"|<w:rsids>.*?</w:rsids>|<(dc:(?:creator|date))>[^<]*</\1>|<xr:revisionPtr [^>]*>"
)


def _pages(octets: bytes) -> object:
    """Return what the first page shows, "document" where nobody can draw it."""
    if shutil.which("mutool") is None:
        return "document"
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(octets)
        file.flush()
        command = ["mutool", "draw", "-q", "-r", "20", "-F", "ppm", "-o", "-", file.name, "1"]
        done = subprocess.run(command, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else "document"


_SHOWN: tuple[tuple[tuple[bytes, ...], Callable[[bytes], object]], ...] = (
    ((b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"P4\n", b"P5\n", b"II*\0", b"MM\0*"), _pixels),
    ((b"%PDF",), _pages),
    ((b"PK\x03\x04",), _packed),
    ((b"\x1f\x8b",), gzip.decompress),
    # Old documents have tests of their own, with programs that read them.
    ((b"\xd0\xcf\x11\xe0",), len),
    ((b"%!",), lambda octets: _DSC.sub(b"", octets)),
)


def _signed(message: Message, octets: bytes) -> Iterator[bytes]:
    for part in message.walk():
        if part.get_content_type() == "multipart/signed" and part.is_multipart():
            marker = b"--" + (part.get_boundary() or "").encode()
            pieces = re.split(
                rb"(?:\A|\r\n)" + re.escape(marker) + rb"(?:--)?[ \t]*(?=\r\n|\Z)", octets
            )
            yield pieces[1] if len(pieces) > 1 else b""
