# SPDX-License-Identifier: Apache-2.0
"""Texts: to be read, or files whose content is text."""

from eepost.mail.charset import decode_text
from eepost.mail.message import Part
from eepost.mail.parameters import write_parameters
from eepost.mail.reply import Reply
from eepost.sanitise.armor import is_clear_signed
from eepost.sanitise.choices import Html
from eepost.sanitise.files.strip import is_text_with_rules
from eepost.sanitise.html import declared_charset, rebuild_html
from eepost.sanitise.html_words import extract_text
from eepost.sanitise.names import file_type
from eepost.sanitise.parts import is_file, kind_of, part_name
from eepost.sanitise.rebuild.attachments import (
    file,
    known_file,
    named_file,
    packed_file,
    unclean,
)
from eepost.sanitise.rebuild.built import (
    OCTETS,
    TEXT_HTML,
    TEXT_PLAIN,
    Built,
    Refusal,
    built_multipart,
    built_text,
)
from eepost.sanitise.rebuild.keys import text_without_names
from eepost.sanitise.rebuild.rebuilder import Rebuilder
from eepost.sanitise.rebuild.telling import clear_signed
from eepost.sanitise.records import rebuild_calendar, rebuild_card
from eepost.sanitise.text import is_utf8, rebuild_clear_signed, rebuild_text
from eepost.sanitise.uuencoded import split_files

# Lines of a calendar or card; one takes some microseconds, and a year of events has some thousands.
MAX_RECORD_LINES = 200_000

_TEXT_TYPES = frozenset(("text/plain", "text/enriched", "text/richtext", "text/csv"))
RECORD_TYPES = {
    "text/calendar": "text/calendar",
    "application/ics": "text/calendar",
    "text/vcard": "text/vcard",
    "text/x-vcard": "text/vcard",
    "text/directory": "text/vcard",
}


def text(rebuilder: Rebuilder, part: Part) -> Built | None:
    """Return a text to be read, or one that is a file."""
    content = rebuilder.content(part)
    if is_file(part):
        return _text_file(rebuilder, part, content)
    kind = part.content_type.value
    if part.main_type == "multipart":
        content = _without_delimiters(content, part.content_type.get("boundary"))
    files: list[tuple[str, bytes]] = []
    if not is_clear_signed(content):
        content, files = split_files(content)
    content = text_without_names(rebuilder, part, content)
    charset, octets = _words(rebuilder, part, content)
    content_type = write_parameters(
        b"Content-Type", kind if kind in _TEXT_TYPES else "text/plain", [("charset", charset)]
    )
    built = built_text(content_type, octets)
    return built if not files else _with_files(rebuilder, part, built, files)


def _with_files(
    rebuilder: Rebuilder, part: Part, text: Built, files: list[tuple[str, bytes]]
) -> Built:
    found = (packed_file(rebuilder, part, name, octets) for name, octets in files)
    built = [text, *(each for each in found if each is not None)]
    rebuilder.tally.add("file in a text unpacked", len(files))
    if len(built) == 1:
        return text
    return built_multipart("multipart/mixed", (), rebuilder.boundary(), built)


def _without_delimiters(content: bytes, boundary: str) -> bytes:
    """Return what stands in a multipart that has an end but no part: words, if anything."""
    markers = {b"--" + boundary.encode("latin-1", "replace") + end for end in (b"", b"--")}
    return b"\r\n".join(line for line in content.split(b"\r\n") if line.rstrip() not in markers)


def plain_text(words: str) -> Built:
    """Return `words` as a text of our own."""
    return built_text(TEXT_PLAIN, rebuild_text(words.encode("utf-8", "replace")))


def _words(rebuilder: Rebuilder, part: Part, content: bytes) -> tuple[str, bytes]:
    said = part.content_type
    if is_clear_signed(content):
        clear_signed(rebuilder, part, content)
        return rebuild_clear_signed(content, said.get("charset"))
    octets = rebuild_text(
        content,
        said.get("charset"),
        is_flowed=said.get("format").lower() == "flowed",
        deletes_space=said.get("delsp").lower() == "yes",
    )
    return "utf-8", octets


def _text_file(rebuilder: Rebuilder, part: Part, content: bytes) -> Built | None:
    charset = part.content_type.get("charset")
    if is_text_with_rules(content) or (b"\0" in content and not _is_wide(charset)):
        return file(rebuilder, part)  # called a text, but none that is read as one
    content = text_without_names(rebuilder, part, content)
    if part.main_type != "text" and not is_utf8(content):
        return known_file(rebuilder, part, content, OCTETS)
    if _is_wide(charset) or not content.isascii():
        content = decode_text(content, charset).encode("utf-8")
    kind = file_type(part_name(part), part.content_type.value)
    if kind == OCTETS:
        kind = "text/plain"  # text of a kind that only some programs name
    parameters = [("charset", "utf-8")] if kind.startswith("text/") else []
    content_type = write_parameters(b"Content-Type", kind, parameters)
    return named_file(rebuilder, part, content_type, content)


def _is_wide(charset: str) -> bool:
    return charset.lower().startswith(("utf-16", "utf16", "utf-32", "utf32", "ucs", "iso-10646"))


def html(rebuilder: Rebuilder, part: Part) -> Built:
    """Return HTML made anew, or the plain text in it if the user wants no HTML."""
    content = rebuilder.content(part)
    markup = decode_text(content, part.content_type.get("charset") or declared_charset(content))
    allowance = rebuilder.allowance.html
    if rebuilder.around.choices.html is Html.PLAIN_TEXT:
        built = plain_text(extract_text(markup, allowance))
    else:
        made = rebuild_html(markup, rebuilder.pictures.source, allowance=allowance)
        rebuilder.tally.add("HTML made anew")
        built = _read_or_filed(rebuilder, part, TEXT_HTML, made.encode("utf-8", "replace"))
    if allowance.is_exceeded:
        raise Refusal(Reply(554, "5.6.1", f"{rebuilder.place(part)} is HTML that is too complex"))
    return built


def record(rebuilder: Rebuilder, part: Part) -> Built | None:
    """Return a calendar or a card without what its program put in."""
    content = rebuilder.content(part)
    if max(content.count(b"\n"), content.count(b"\r")) > MAX_RECORD_LINES:
        return unclean(rebuilder, part, content, "calendar or card is too long")
    charset = part.content_type.get("charset")
    kind = RECORD_TYPES[kind_of(part)]
    parameters = [("charset", "utf-8")]
    if kind == "text/calendar":
        octets = rebuild_calendar(content, charset)
        method = part.content_type.get("method").upper()
        parameters.append(("method", method if method.isalpha() else ""))
    else:
        octets = rebuild_card(content, charset)
    rebuilder.tally.add("calendar or card made anew")
    content_type = write_parameters(b"Content-Type", kind, parameters)
    return _read_or_filed(rebuilder, part, content_type, octets)


def _read_or_filed(rebuilder: Rebuilder, part: Part, content_type: bytes, octets: bytes) -> Built:
    if is_file(part):
        return named_file(rebuilder, part, content_type, octets)
    return built_text(content_type, octets)
